"""The forwarder's pages: alive, ready, metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from aiohttp import web
from firelake.errors import FirelakeError
from prometheus_client.aiohttp import make_aiohttp_handler

from ingest.forwarder.metrics import Metrics


@dataclass(frozen=True)
class Address:
    """Where the pages are served."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``HOST:PORT``; ValueError if it is none."""
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{text!r}: write it like 127.0.0.1:9464")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    def __str__(self) -> str:
        """Return it as it is parsed."""
        return f"{self.host}:{self.port}"


@asynccontextmanager
async def serving(address: Address, metrics: Metrics) -> AsyncIterator[None]:
    """Serve the pages while the block runs, from the event loop whose health they tell.

    Raises
    ------
    FirelakeError
        If the address cannot be used.
    """
    runner = web.AppRunner(_application(metrics), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise FirelakeError(f"--listen {address}: {error}; choose another") from error
        yield
    finally:
        await runner.cleanup()


def _application(metrics: Metrics) -> web.Application:
    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(_: web.Request) -> web.Response:
        problem = metrics.problem
        return web.Response(text=f"{problem or 'forwarding'}\n", status=200 if problem is None else 503)

    application = web.Application()
    application.router.add_get("/healthz", alive)
    application.router.add_get("/readyz", ready)
    application.router.add_get("/metrics", make_aiohttp_handler(metrics.registry))
    return application
