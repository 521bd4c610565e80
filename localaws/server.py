"""The HTTP server that the gateway runs in."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

_KEEP_ALIVE_S = 75
_LONGEST_STOP_S = 5


async def serve(application: Any, listener: socket.socket) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT, and then let requests under way end.

    Parameters
    ----------
    application
        The application.
    listener
        The socket that listens already.
    """
    config = uvicorn.Config(
        application,
        lifespan="on",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LONGEST_STOP_S,
    )
    await _Server(config).serve([listener])


class _Server(uvicorn.Server):
    """Ends with exit code 0 when it is asked to, where uvicorn would end by the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True
