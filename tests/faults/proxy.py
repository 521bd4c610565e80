"""A proxy before Local AWS that spoils a share of the S3 requests, as a network and a busy S3 do."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

FAULTS = ("slow_down", "reset_before", "reset_after", "stall", "truncated", "wrong_length")
_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)
_STALL_S = 0.5


class FaultProxy(ThreadingHTTPServer):
    """Forwards requests to ``target``; of those to S3 it spoils ``share``.

    Parameters
    ----------
    target
        Where Local AWS answers.
    share
        How many of all S3 requests fail.
    seed
        Makes the choice repeatable, as far as threads allow.
    """

    daemon_threads = True

    def __init__(self, target: str, share: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.share = share
        self.done: Counter[str] = Counter()
        self._chance = random.Random(seed)  # noqa: S311
        self._lock = threading.Lock()

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fault(self, *, is_s3: bool) -> str | None:
        """Choose what happens to a request."""
        with self._lock:
            chosen = self._chance.choice(FAULTS) if is_s3 and self._chance.random() < self.share else None
            self.done[chosen or "none"] += 1
            return chosen

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: broken connections are what this is for."""


@contextmanager
def fault_proxy(target: str, share: float, seed: int) -> Iterator[FaultProxy]:
    """Run a proxy for the length of a block."""
    with FaultProxy(target, share, seed) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Long enough for every client; a kept connection that nobody uses is no fault.
    timeout = 120
    server: FaultProxy

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self._body()
        fault = self.server.fault(is_s3="X-Amz-Target" not in self.headers)
        if fault == "slow_down":
            self._send(503, [("Content-Type", "application/xml")], _SLOW_DOWN)
        elif fault in ("reset_before", "stall"):
            time.sleep(_STALL_S if fault == "stall" else 0)
            self._reset()
        else:
            self._forward(body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue  # a trailer, of which nothing is needed
        return b"".join(parts)

    def _forward(self, body: bytes, fault: str | None) -> None:
        connection = http.client.HTTPConnection(self.server.target, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
        if fault == "reset_after":
            self._reset()
        elif fault == "truncated" and len(content) > 1:
            self._send(response.status, headers, content, sent=len(content) // 2)
            self._reset()
        elif fault == "wrong_length" and self.command == "GET" and self._is_data and len(content) > 1:
            self._send(response.status, headers, content[: len(content) // 2])
        elif self.command == "HEAD":
            self._send(response.status, headers, b"", length=response.getheader("Content-Length"))
        else:
            self._send(response.status, headers, content)

    @property
    def _is_data(self) -> bool:
        """Whether the object is one that the core itself reads; metadata is read by libraries."""
        return self.path.endswith((".gz", ".parquet"))

    def _send(
        self,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes,
        *,
        sent: int | None = None,
        length: str | None = None,
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])

    def _reset(self) -> None:
        """End the connection as a broken one ends: the peer sees a reset."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


_HOP_BY_HOP = frozenset({"connection", "content-length", "expect", "keep-alive", "transfer-encoding"})
