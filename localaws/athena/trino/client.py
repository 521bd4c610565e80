"""Trino's client protocol: post a statement, then follow ``nextUri`` until there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from localaws.athena.engine import BytesLimitError, Cancellation
from localaws.athena.failure import QueryError

CATALOG: Final = "awsdatacatalog"
_TIMEOUT_S: Final = 60.0
_BUSY: Final = (502, 503, 504)
_BUSY_S: Final = 120.0
Page = dict[str, Any]


@dataclass(frozen=True)
class TrinoQuery:
    """A statement as the protocol has it."""

    sql: str
    database: str
    bytes_limit: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the statement."""
        limit = self.bytes_limit
        return {
            "X-Trino-User": "athena",
            "X-Trino-Source": "localaws",
            "X-Trino-Catalog": CATALOG,
            "X-Trino-Schema": self.database,
            "X-Trino-Time-Zone": "UTC",
            # without it, every timestamp is cut to milliseconds
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
            **({} if limit is None else {"X-Trino-Session": f"query_max_scan_physical_bytes={limit}B"}),
        }


_NODES: Final = TrinoQuery("SELECT node_id FROM system.runtime.nodes WHERE state = 'active'", "runtime")


class TrinoClient:
    """Talks to one Trino.

    Parameters
    ----------
    url
        Where its coordinator answers.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # The coordinator is on this machine, whatever proxy the environment names.
        self._opener = build_opener(ProxyHandler({}))

    def is_ready(self) -> bool:
        """Whether the server is up, and knows of a node that runs queries."""
        try:
            if self._sent(Request(f"{self.url}/v1/info"))["starting"]:  # noqa: S310
                return False
            pages = self.pages(_NODES, Cancellation())
            return any(page.get("data") for page in pages)
        except (URLError, QueryError):
            return False

    def pages(self, query: TrinoQuery, cancellation: Cancellation) -> Generator[Page]:
        """Run a statement and yield what the server answers, the last answer last.

        Raises
        ------
        QueryError
            With Trino's own name and words, when the statement fails.
        """
        url = f"{self.url}/v1/statement"
        page = self._answer(Request(url, query.sql.encode(), query.headers, method="POST"))  # noqa: S310
        try:
            while True:
                cancellation.check()
                _raise_failure(page)
                yield page
                if "nextUri" not in page:
                    return
                page = self._answer(Request(page["nextUri"]))  # noqa: S310
        finally:
            if "nextUri" in page:
                self._forget(page["nextUri"])

    def _answer(self, request: Request) -> Page:
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                return self._sent(request)
            except HTTPError as error:
                if error.code not in _BUSY or time.monotonic() > deadline:
                    raise _unreachable(self.url, error) from error
                time.sleep(0.1)
            except URLError as error:
                raise _unreachable(self.url, error) from error

    def _sent(self, request: Request) -> Page:
        with self._opener.open(request, timeout=_TIMEOUT_S) as response:
            page: Page = json.load(response)
        return page

    def _forget(self, url: str) -> None:
        """Stop a statement whose rest nobody reads; a server that is gone has stopped it already."""
        with suppress(URLError):
            self._opener.open(Request(url, method="DELETE"), timeout=_TIMEOUT_S).close()  # noqa: S310


def _unreachable(url: str, error: URLError) -> QueryError:
    return QueryError("GENERIC_INTERNAL_ERROR", f"Trino at {url} does not answer: {error}")


def _raise_failure(page: Page) -> None:
    error = page.get("error")
    if error is None:
        return
    if error["errorName"] == "EXCEEDED_SCAN_LIMIT":
        raise BytesLimitError
    raise QueryError(error["errorName"], error["message"])
