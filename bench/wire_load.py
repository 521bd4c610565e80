"""Load over HTTP that costs its client little: the same bytes sent again and again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def of(cls, endpoint_url: str) -> Address:
        """Read it from ``http://host:port``."""
        host, _, port = endpoint_url.partition("://")[2].partition(":")
        return cls(host, int(port))

    def request(self, head: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
        """Return the bytes of a request such as ``GET /bucket/key``."""
        named = {"host": f"{self.host}:{self.port}", "content-length": str(len(body)), **headers}
        lines = [f"{head} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def rate(self, request: bytes, count: int, connections: int) -> float:
        """Send a request so many times over so many connections; return requests a second.

        Raises
        ------
        RuntimeError
            When an answer was not 200, or a connection failed.
        """
        share = count // connections
        senders = [_Sender(self, request, share) for _ in range(connections)]
        started = time.perf_counter()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        elapsed_s = time.perf_counter() - started
        if failure := next((sender.failure for sender in senders if sender.failure), None):
            raise RuntimeError(f"{self.host}:{self.port}: {failure}")
        return share * connections / elapsed_s


class _Sender(threading.Thread):
    """One connection, made again when the server closes it after an answer."""

    def __init__(self, address: Address, request: bytes, count: int) -> None:
        super().__init__(daemon=True)
        self.failure: str | None = None
        self._address = (address.host, address.port)
        self._request = request
        self._left = count

    def run(self) -> None:
        """Send until everything is answered."""
        try:
            while self._left:
                with socket.create_connection(self._address, _TIMEOUT_S) as connection:
                    self._send_over(connection)
        except (OSError, ValueError) as error:
            self.failure = f"{type(error).__name__}: {error}"

    def _send_over(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as answers:
            is_open = True
            while self._left and is_open:
                connection.sendall(self._request)
                is_open = _read_answer(answers)
                self._left -= 1


def _read_answer(answers: BinaryIO) -> bool:
    """Read one answer; tell whether the connection stays open."""
    status = answers.readline()
    if b" 200 " not in status:
        raise ValueError(f"the answer was {status!r}")
    length, is_open = 0, True
    while (line := answers.readline()) not in (b"\r\n", b""):
        name, _, value = line.lower().partition(b":")
        if name == b"content-length":
            length = int(value)
        elif name == b"connection":
            is_open = value.strip() != b"close"
    answers.read(length)
    return is_open
