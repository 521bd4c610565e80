"""What a table needs to make its rows readable under a name in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb

from localaws.athena.sql.catalog import Predicate, Table, TableScan
from localaws.athena.tables.lake import Lake

Comparison = tuple[str, str, tuple[Any, ...]]


@dataclass
class BindSession:
    """The connection that a query runs on, and where its files come from.

    Parameters
    ----------
    connection
        DuckDB's connection of this query alone.
    lake
        The objects of S3.
    spool_dir
        Folder for rows that DuckDB cannot read as they are stored; it goes away with the query.
    """

    connection: duckdb.DuckDBPyConnection
    lake: Lake
    spool_dir: Path
    bytes_scanned: int = 0
    _numbers: int = field(default=0)

    def view(self, relation: str, sql: str) -> None:
        """Make a query readable under a name."""
        self.connection.execute(f"CREATE TEMP VIEW {relation} AS {sql}")

    def new_file(self) -> Path:
        """Return the path of a spool file that does not exist yet."""
        self._numbers += 1
        self.spool_dir.mkdir(parents=True, exist_ok=True)
        return self.spool_dir / f"{self._numbers}.parquet"

    def comparisons(self, predicates: Sequence[Predicate]) -> list[Comparison]:
        """Return the simple predicates with their constants computed."""
        simple = [p.comparison for p in predicates if p.comparison is not None]
        return [(column, operator, self._values(texts)) for column, operator, texts in simple]

    def _values(self, texts: Sequence[str]) -> tuple[Any, ...]:
        # fetched to the end, for an open result keeps the connection from all else
        (found,) = self.connection.execute(f"SELECT {', '.join(texts)}").fetchall()
        return tuple(found)


class Bindable(Table, Protocol):
    """A table that can be bound."""

    def bind(self, scan: TableScan, session: BindSession) -> None:
        """Make the scan's relation readable, and add the bytes that reading it takes."""
