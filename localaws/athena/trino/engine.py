"""The engine that hands every query, unchanged, to a real Trino."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from localaws.athena.engine import Cancellation, Query, Rows
from localaws.athena.failure import QueryError
from localaws.athena.sql.catalog import OutputColumn
from localaws.athena.trino.client import Page, TrinoClient, TrinoQuery
from localaws.athena.trino.installation import UnavailableError
from localaws.athena.trino.server import LakeEndpoint, TrinoServer, TrinoStartError
from localaws.athena.trino.values import arrow_type, reader, type_of


@dataclass(frozen=True)
class _Fetched:
    columns: tuple[OutputColumn, ...]
    bytes_scanned: int


class TrinoEngine:
    """Runs queries on Trino; its time is the real one, whatever the clock of Local AWS says.

    Parameters
    ----------
    endpoint
        The lake, for a Trino that is started with the first query.
    work_dir
        Where results spool, and where that Trino has its files.
    url
        A Trino that runs already; its catalog ``awsdatacatalog`` must be on the same lake.
    """

    def __init__(self, endpoint: LakeEndpoint, work_dir: Path, url: str | None = None) -> None:
        shutil.rmtree(work_dir, ignore_errors=True)
        work_dir.mkdir(parents=True)
        self._endpoint = endpoint
        self._work_dir = work_dir
        self._client = None if url is None else TrinoClient(url)
        self._server: TrinoServer | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop the Trino that this engine started."""
        with self._lock:
            if self._server is not None:
                self._server.stop()

    @contextmanager
    def run(self, query: Query, cancellation: Cancellation) -> Iterator[Rows]:
        """Spool the query's whole result, for only then is known what it scanned; then yield it."""
        spool = self._work_dir / f"{uuid.uuid4().hex}.arrow"
        statement = TrinoQuery(query.sql, query.database, query.bytes_limit)
        try:
            with closing(self._trino().pages(statement, cancellation)) as pages:
                fetched = _spooled(pages, spool)
            with _read(spool) as batches:
                yield Rows(fetched.columns, batches, fetched.bytes_scanned)
        finally:
            spool.unlink(missing_ok=True)

    def explain(self, query: Query) -> str:
        """Return Trino's plan for a query."""
        statement = TrinoQuery(f"EXPLAIN {query.sql}", query.database)
        lines = [row[0] for page in self._trino().pages(statement, Cancellation()) for row in _data(page)]
        return "\n".join(lines)

    def columns(self, query: Query) -> tuple[OutputColumn, ...]:
        """Return the columns that Trino plans for a query."""
        statement = TrinoQuery(f"SELECT * FROM (\n{query.sql}\n) LIMIT 0", query.database)  # noqa: S608 - the query itself
        pages = list(self._trino().pages(statement, Cancellation()))
        return next(_columns(page) for page in pages if "columns" in page)

    def _trino(self) -> TrinoClient:
        with self._lock:
            if self._client is None:
                try:
                    self._server = TrinoServer(self._endpoint, self._work_dir / "server")
                except (UnavailableError, TrinoStartError) as error:
                    raise QueryError("GENERIC_INTERNAL_ERROR", str(error)) from error
                self._client = TrinoClient(self._server.url)
            return self._client


def _columns(page: Page) -> tuple[OutputColumn, ...]:
    return tuple(OutputColumn(c["name"], type_of(c["typeSignature"])) for c in page["columns"])


def _data(page: Page) -> list[list[Any]]:
    return page.get("data") or []


def _spooled(pages: Iterator[Page], path: Path) -> _Fetched:
    """Write the rows of all pages into an Arrow file."""
    spool: _Spool | None = None
    page: Page = {}
    try:
        for page in pages:
            if spool is None and "columns" in page:
                spool = _Spool(_columns(page), path)
            if spool is not None:
                spool.write(_data(page))
    finally:
        if spool is not None:
            spool.close()
    if spool is None:
        raise QueryError("NOT_SUPPORTED", f"Trino answered without a result: {page.get('updateType')}")
    return _Fetched(spool.columns, page["stats"]["physicalInputBytes"])


class _Spool:
    def __init__(self, columns: tuple[OutputColumn, ...], path: Path) -> None:
        self.columns = columns
        self._readers = [reader(column.type) for column in columns]
        self._schema = pa.schema([pa.field(c.name, arrow_type(c.type)) for c in columns])
        self._writer = pa.ipc.new_stream(path, self._schema)

    def write(self, rows: list[list[Any]]) -> None:
        if not rows:
            return
        arrays = [
            pa.array([read(value) for value in column], field.type)
            for read, column, field in zip(self._readers, zip(*rows, strict=True), self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def _read(path: Path) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
    opened: AbstractContextManager[Iterator[pa.RecordBatch]] = pa.ipc.open_stream(path)
    return opened
