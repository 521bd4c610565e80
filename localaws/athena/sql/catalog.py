"""What the compiler asks of the catalog, and what it says of the tables that a query reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from localaws.athena.sql.types import Type


@dataclass(frozen=True)
class Version:
    """The point of an Iceberg table's history that a query asks for.

    Parameters
    ----------
    kind
        ``TIMESTAMP`` or ``VERSION``.
    sql
        DuckDB's expression for the zoned timestamp or the snapshot id.
    """

    kind: str
    sql: str


@dataclass(frozen=True)
class TableColumn:
    """A column of a table; hidden ones, such as ``$path``, are not part of ``*``."""

    name: str
    type: Type
    hidden: bool = False


class Table(Protocol):
    """A table that the engine can read."""

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns in order, hidden ones last."""


@dataclass(frozen=True)
class View:
    """A stored view: its query, the database its names start from, and its columns."""

    sql: str
    database: str
    columns: Sequence[TableColumn]


class Catalog(Protocol):
    """Finds tables and views by name."""

    def find(self, name: Sequence[str], database: str, version: Version | None) -> Table | View:
        """Return the table or view, or fail with TABLE_NOT_FOUND."""


@dataclass(frozen=True)
class Predicate:
    """A condition on one table alone, of which rows that fail it need not be read.

    Parameters
    ----------
    sql
        DuckDB's condition over columns written ``p."name"``.
    columns
        The columns it reads.
    comparison
        ``(column, operator, constants)`` when it is that simple; the constants are DuckDB expressions.
    """

    sql: str
    columns: frozenset[str]
    comparison: tuple[str, str, tuple[str, ...]] | None = None


@dataclass(eq=False)
class TableScan:
    """One mention of a table in a query.

    Parameters
    ----------
    relation
        The name under which DuckDB must find its rows.
    table
        The table.
    used
        The columns that the query reads.
    predicates
        What may be used to read less.
    """

    relation: str
    table: Table
    used: set[str] = field(default_factory=set)
    predicates: list[Predicate] = field(default_factory=list)


@dataclass(frozen=True)
class OutputColumn:
    """A column of a query's result."""

    name: str
    type: Type


@dataclass(frozen=True)
class Plan:
    """A query compiled for DuckDB: its text, its result, and the tables it reads."""

    sql: str
    columns: tuple[OutputColumn, ...]
    scans: tuple[TableScan, ...]
