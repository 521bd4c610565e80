"""The engines that run queries: what one is, and the default one, DuckDB."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol

import duckdb
import pyarrow as pa

from localaws.athena.failure import QueryError
from localaws.athena.glue_access import Glue
from localaws.athena.sql.catalog import OutputColumn, Plan
from localaws.athena.sql.parser import parse_query
from localaws.athena.sql.queries import compile_query
from localaws.athena.sql.types import literal
from localaws.athena.tables.binding import BindSession
from localaws.athena.tables.glue_tables import GlueTables
from localaws.athena.tables.lake import Lake
from localaws.storage import LakeStorage

_BATCH_ROWS: Final = 50_000
_INTERRUPT_S: Final = 0.05
_OWN_FAILURE: Final = re.compile(r"'trino: (\w+): (.*)' to INT64", re.DOTALL)


class CancelledError(Exception):
    """The query was stopped, by its user, a limit, or the service's end."""


class BytesLimitError(Exception):
    """The query would scan more than its workgroup allows."""


class Cancellation:
    """Lets another thread stop a query.

    What runs the query registers how to interrupt it, and asks between steps whether to go on.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._interrupts: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def request(self) -> None:
        """Stop the query."""
        self._requested.set()
        if self._interrupted():
            threading.Thread(target=self._interrupt_again, name="athena-stop", daemon=True).start()

    def _interrupted(self) -> bool:
        """Interrupt what runs; return whether anything does."""
        with self._lock:
            for interrupt in self._interrupts:
                interrupt()
            return bool(self._interrupts)

    def _interrupt_again(self) -> None:
        """Go on until nothing runs: an interrupt that comes between two steps of a query stops neither."""
        while self._interrupted():
            time.sleep(_INTERRUPT_S)

    @property
    def requested(self) -> bool:
        """Whether the query is to stop."""
        return self._requested.is_set()

    def check(self) -> None:
        """Raise if the query is to stop."""
        if self.requested:
            raise CancelledError

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call ``interrupt`` when a stop is asked for inside the block."""
        with self._lock:
            self._interrupts.append(interrupt)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)


@dataclass(frozen=True)
class Query:
    """A query for an engine.

    Parameters
    ----------
    sql
        Trino's SQL, parameters in place.
    database
        Where unqualified tables are.
    now
        The time that ``now()`` tells.
    bytes_limit
        How many bytes it may scan.
    """

    sql: str
    database: str
    now: datetime
    bytes_limit: int | None = None


@dataclass(frozen=True)
class Rows:
    """A query's result, while its batches are being read."""

    columns: tuple[OutputColumn, ...]
    batches: Iterator[pa.RecordBatch]
    bytes_scanned: int


class Engine(Protocol):
    """Runs queries over the lake."""

    def run(self, query: Query, cancellation: Cancellation) -> AbstractContextManager[Rows]:
        """Return a context manager that yields the query's :class:`Rows`."""

    def explain(self, query: Query) -> str:
        """Return a plan as text; fails if the query would not run."""

    def columns(self, query: Query) -> tuple[OutputColumn, ...]:
        """Return the columns of a query's result, without running it."""

    def close(self) -> None:
        """Free what the engine holds."""


def _macros() -> list[str]:
    text = files("localaws.athena.sql").joinpath("macros.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("--")]
    return [statement for statement in "\n".join(lines).split(";\n") if statement.strip()]


def sandbox(folders: list[Path], temp_dir: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB that has our macros, sees these folders alone, and cannot be reconfigured."""
    connection = duckdb.connect(":memory:")
    for statement in _macros():
        connection.execute(statement)
    allowed = ", ".join(literal(f"{folder.resolve()}/") for folder in [*folders, temp_dir])
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = {literal(memory_limit)}")
    connection.execute(f"SET temp_directory = {literal(str(temp_dir.resolve()))}")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


class DuckDbEngine:
    """Runs queries on DuckDB, in this process.

    Parameters
    ----------
    glue
        The catalog that decides schemas and partitions.
    account_id
        Whose lake it is.
    lake_dir
        Where the objects' files are, the only folder that queries can read.
    work_dir
        Where queries spool and spill.
    memory_limit
        How much memory all queries together may take.
    """

    def __init__(
        self, glue: Glue, account_id: str, lake_dir: Path, work_dir: Path, memory_limit: str = "4GB"
    ) -> None:
        shutil.rmtree(work_dir, ignore_errors=True)
        work_dir.mkdir(parents=True)
        self._glue = glue
        self._account_id = account_id
        self._work_dir = work_dir
        self._database = sandbox([lake_dir], work_dir, memory_limit)
        self._numbers = iter(range(1, 2**62))

    def close(self) -> None:
        """Close DuckDB."""
        self._database.close()

    @contextmanager
    def run(self, query: Query, cancellation: Cancellation) -> Iterator[Rows]:
        """Compile, bind and start a query; its batches are read inside the block."""
        with (
            self._session(query) as (connection, session),
            cancellation.interrupting(connection.interrupt),
            _failures(cancellation),
        ):
            plan = self._bound(query, session)
            if query.bytes_limit is not None and session.bytes_scanned > query.bytes_limit:
                raise BytesLimitError
            reader = connection.sql(plan.sql).to_arrow_reader(_BATCH_ROWS)
            yield Rows(plan.columns, _checked(reader, cancellation), session.bytes_scanned)

    def explain(self, query: Query) -> str:
        """Return DuckDB's plan for a query."""
        with self._session(query) as (connection, session), _failures(Cancellation()):
            plan = self._bound(query, session)
            found = connection.execute(f"EXPLAIN {plan.sql}").fetchall()
            return "\n".join(str(text) for _, text in found)

    def columns(self, query: Query) -> tuple[OutputColumn, ...]:
        """Compile a query and return its columns."""
        with self._session(query) as (connection, _), _failures(Cancellation()):
            return self._compiled(query, connection).columns

    @contextmanager
    def _session(self, query: Query) -> Iterator[tuple[duckdb.DuckDBPyConnection, BindSession]]:
        spool = self._work_dir / str(next(self._numbers))
        connection = self._database.cursor()
        now = query.now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        try:
            connection.execute(f"CREATE TEMP MACRO trino_now() AS TIMESTAMP {literal(now)}")
            yield connection, BindSession(connection, Lake(LakeStorage(self._account_id)), spool)
        finally:
            connection.close()
            shutil.rmtree(spool, ignore_errors=True)

    def _bound(self, query: Query, session: BindSession) -> Plan:
        plan = self._compiled(query, session.connection)
        for scan in plan.scans:
            scan.table.bind(scan, session)  # type: ignore[attr-defined]  # the catalog yields bindable tables
        return plan

    def _compiled(self, query: Query, connection: duckdb.DuckDBPyConnection) -> Plan:
        catalog = GlueTables(self._glue, self._account_id, query.now, connection)
        return compile_query(parse_query(query.sql), catalog, query.database)


def _checked(reader: pa.RecordBatchReader, cancellation: Cancellation) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        cancellation.check()
        yield batch


@contextmanager
def _failures(cancellation: Cancellation) -> Iterator[None]:
    """Turn DuckDB's errors into Trino's."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        cancellation.check()
        raise translated(error) from error


_CODES: Final = (
    ("Division by zero", "DIVISION_BY_ZERO"),
    ("Overflow in", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("Out of Range", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("out of range for the destination type", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("Out of Memory", "EXCEEDED_LOCAL_MEMORY_LIMIT"),
    ("must appear in the GROUP BY", "EXPRESSION_NOT_AGGREGATE"),
    ("aggregate function calls cannot be nested", "NESTED_AGGREGATION"),
    ("WHERE clause cannot contain", "EXPRESSION_NOT_SCALAR"),
    ("Unknown TimeZone", "INVALID_FUNCTION_ARGUMENT"),
    ("Type DOUBLE with value", "INVALID_CAST_ARGUMENT"),
    ("More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS"),
    ("Malformed JSON", "INVALID_FUNCTION_ARGUMENT"),
    ("Conversion Error", "INVALID_CAST_ARGUMENT"),
    ("Could not parse string", "INVALID_FUNCTION_ARGUMENT"),
    ("Invalid Input Error", "INVALID_FUNCTION_ARGUMENT"),
)


def translated(error: Exception) -> QueryError:
    """Return Trino's failure for an error of DuckDB."""
    text = str(error)
    own = _OWN_FAILURE.search(text)
    if own is not None:
        return QueryError(own[1], own[2])
    first = text.split("\n\nLINE")[0].strip()
    for sign, code in _CODES:
        if sign in text:
            return QueryError(code, first)
    return QueryError("GENERIC_INTERNAL_ERROR", first)
