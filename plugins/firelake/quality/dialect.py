"""A SQLAlchemy dialect through which Great Expectations reads Parquet files with DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import sqlalchemy as sa
from duckdb.sqltypes import DuckDBPyType
from sqlalchemy.dialects.postgresql.base import PGDialect, PGIdentifierPreparer
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedPrimaryKeyConstraint
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import UserDefinedType

from firelake.errors import FirelakeError
from firelake.spec.types import ColumnType, Decimal, ListOf, MapOf, Primitive, StructOf
from firelake.sql import identifier, literal, literals

BATCH_VIEW = "batch"
_DRIVER = "firelake_duckdb"
_MEMORY_LIMIT = "4GB"

_DUCKDB_NAMES = {"string": "VARCHAR", "float": "FLOAT"}
_SPEC_NAMES = {"varchar": "string", "integer": "int"}
_FLOATING = frozenset({Primitive("float"), Primitive("double")})


class SpecType(UserDefinedType[Any]):
    """A column type that is shown by the name a dataset's spec gives it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def get_col_spec(self, **_: Any) -> str:
        """Return the name."""
        return self._name


class _AlwaysQuoting(PGIdentifierPreparer):
    """Quotes every name, for DuckDB reserves words that PostgreSQL does not."""

    legal_characters = re.compile(r"(?!)")


class DuckDBAsPostgres(PGDialect):
    """DuckDB under the name of PostgreSQL, whose SQL Great Expectations knows and DuckDB understands.

    Not duckdb-engine: its 0.17 fails with DuckDB 2, and what it registers with SQLAlchemy keeps DuckDB
    loaded until the interpreter ends, which then reports leaks.
    """

    preparer = _AlwaysQuoting
    default_paramstyle = "numeric_dollar"
    supports_statement_cache = False

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return DuckDB's own DB-API module."""
        return duckdb

    def initialize(self, connection: sa.Connection) -> None:
        """Take the server for granted instead of asking it PostgreSQL's questions."""
        self.server_version_info = (16, 0)
        self.default_schema_name = "main"

    def do_begin(self, dbapi_connection: Any) -> None:
        """Do nothing: the batch is read-only, and one failed check must not end a transaction for all."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Do nothing, as nothing was begun."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Do nothing, as nothing was begun."""

    def get_pk_constraint(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> ReflectedPrimaryKeyConstraint:
        """Return an empty key: files have none."""
        return {"constrained_columns": [], "name": None}

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> list[ReflectedColumn]:
        """Return a view's columns, their types under the names that specs give them."""
        batch = connection.connection.driver_connection.table(table_name)
        return [
            {"name": name, "type": SpecType(spec_name(dtype)), "nullable": True, "default": None}
            for name, dtype in zip(batch.columns, batch.types, strict=True)
        ]


sa.dialects.registry.register(_DRIVER, __name__, DuckDBAsPostgres.__name__)


def spec_name(dtype: DuckDBPyType) -> str:
    """Return the name that a dataset's spec gives a DuckDB type."""
    if dtype.id in {"list", "map", "struct"}:
        parts = [
            (name, spec_name(child)) for name, child in dtype.children if isinstance(child, DuckDBPyType)
        ]
        kinds = ",".join(kind for _, kind in parts)
        fields = ",".join(f"{name}:{kind}" for name, kind in parts)
        return {"list": f"array<{kinds}>", "map": f"map<{kinds}>", "struct": f"struct<{fields}>"}[dtype.id]
    name = str(dtype).lower()
    return _SPEC_NAMES.get(name, name)


def duckdb_name(column_type: ColumnType) -> str:
    """Return DuckDB's name of a type."""
    match column_type:
        case Primitive(name):
            return _DUCKDB_NAMES.get(name, name)
        case Decimal():
            return str(column_type)
        case ListOf(element):
            return f"{duckdb_name(element)}[]"
        case MapOf(value):
            return f"MAP(VARCHAR, {duckdb_name(value)})"
        case StructOf(fields):
            return f"STRUCT({', '.join(f'{identifier(name)} {duckdb_name(kind)}' for name, kind in fields)})"


@contextmanager
def batch_engine(files: Sequence[Path], columns: Mapping[str, ColumnType]) -> Iterator[sa.Engine]:
    """Open a DuckDB in memory with the view :data:`BATCH_VIEW` over Parquet files, and nothing else.

    Parameters
    ----------
    columns
        The table's columns: an empty batch has no file to read them from.

    Raises
    ------
    FirelakeError
        If a file cannot be read as Parquet.
    """
    with TemporaryDirectory(prefix="firelake-gate-") as spill, duckdb.connect() as connection:
        try:
            connection.execute(f"CREATE VIEW {BATCH_VIEW} AS {_batch_query(connection, files, columns)}")
        except duckdb.Error as error:
            names = ", ".join(str(path) for path in files)
            raise FirelakeError(f"{names}: cannot be read as Parquet: {error}") from error
        _confine(connection, files, spill)
        # One connection for all: the view lives in it. It is closed here, not by a pool.
        engine = sa.create_engine(f"{_DRIVER}://", creator=lambda: connection, poolclass=StaticPool)
        try:
            yield engine
        finally:
            engine.dispose()


def count_rows(engine: sa.Engine) -> int:
    """Return how many rows the batch has."""
    with engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(sa.table(BATCH_VIEW))) or 0)


def _batch_query(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], columns: Mapping[str, ColumnType]
) -> str:
    if not files:
        typed = (f"NULL::{duckdb_name(kind)} AS {identifier(name)}" for name, kind in columns.items())
        return f"SELECT {', '.join(typed)} LIMIT 0"
    source = f"read_parquet([{literals(str(path) for path in files)}], hive_partitioning = false)"
    present = set(connection.sql(f"FROM {source}").columns)
    floating = [identifier(name) for name, kind in columns.items() if kind in _FLOATING and name in present]
    # A NaN is no value: to pandas, which reads nulls as NaN, and to every range.
    numbers = [f"CASE WHEN isfinite({name}) OR isinf({name}) THEN {name} END AS {name}" for name in floating]
    replaced = f" REPLACE ({', '.join(numbers)})" if numbers else ""
    return f"SELECT *{replaced} FROM {source}"  # noqa: S608 - quoted by firelake.sql


def _confine(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], spill: str) -> None:
    """Let the connection read the batch's files, spill into its own folder, and do nothing else outside."""
    connection.execute(f"SET temp_directory = {literal(spill)}")
    # Parquet's statistics leave NaN out: DuckDB 2.0 concludes from them that there is none.
    connection.execute("SET disabled_optimizers = 'statistics_propagation'")
    connection.execute(f"SET memory_limit = {literal(_MEMORY_LIMIT)}")
    connection.execute(f"SET allowed_paths = [{literals(str(path) for path in files)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
