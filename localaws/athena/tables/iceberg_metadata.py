"""The metadata tables of an Iceberg table: ``$snapshots``, ``$history``, ``$files``, ``$partitions``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyiceberg.table import StaticTable

from localaws.athena.failure import NotSupportedError
from localaws.athena.sql import types as t
from localaws.athena.sql.catalog import TableColumn, TableScan
from localaws.athena.sql.types import Type, quote
from localaws.athena.tables.binding import BindSession
from localaws.athena.tables.columns import stored_type

_COUNTS: Final = t.map_of(t.INTEGER, t.BIGINT)


@dataclass(frozen=True)
class _Kind:
    columns: tuple[tuple[str, Type, str], ...]
    rows: Callable[[StaticTable], pa.Table]


_SNAPSHOTS: Final = _Kind(
    (
        ("committed_at", t.timestamptz(3), "trino_utc(CAST(committed_at AS TIMESTAMP))"),
        ("snapshot_id", t.BIGINT, "snapshot_id"),
        ("parent_id", t.BIGINT, "parent_id"),
        ("operation", t.VARCHAR, "operation"),
        ("manifest_list", t.VARCHAR, "manifest_list"),
        ("summary", t.map_of(t.VARCHAR, t.VARCHAR), "summary"),
    ),
    lambda table: table.inspect.snapshots(),
)
_HISTORY: Final = _Kind(
    (
        ("made_current_at", t.timestamptz(3), "trino_utc(CAST(made_current_at AS TIMESTAMP))"),
        ("snapshot_id", t.BIGINT, "snapshot_id"),
        ("parent_id", t.BIGINT, "parent_id"),
        ("is_current_ancestor", t.BOOLEAN, "is_current_ancestor"),
    ),
    lambda table: table.inspect.history(),
)
_FILES: Final = _Kind(
    (
        ("content", t.INTEGER, "CAST(content AS INTEGER)"),
        ("file_path", t.VARCHAR, "file_path"),
        ("file_format", t.VARCHAR, "file_format"),
        ("record_count", t.BIGINT, "record_count"),
        ("file_size_in_bytes", t.BIGINT, "file_size_in_bytes"),
        ("column_sizes", _COUNTS, "column_sizes"),
        ("value_counts", _COUNTS, "value_counts"),
        ("null_value_counts", _COUNTS, "null_value_counts"),
        ("nan_value_counts", _COUNTS, "nan_value_counts"),
    ),
    lambda table: table.inspect.files(),
)
_TABLES: Final = {"snapshots": _SNAPSHOTS, "history": _HISTORY, "files": _FILES}


@dataclass(frozen=True, eq=False)
class MetadataTable:
    """A metadata table."""

    columns: Sequence[TableColumn]
    expressions: Sequence[str]
    rows: pa.Table

    def bind(self, scan: TableScan, session: BindSession) -> None:
        """Make the rows readable; metadata costs no bytes scanned."""
        source = f"{scan.relation}_source"
        session.connection.register(source, self.rows)
        pairs = zip(self.expressions, self.columns, strict=True)
        listed = ", ".join(f"{expression} AS {quote(column.name)}" for expression, column in pairs)
        session.view(scan.relation, f"SELECT {listed} FROM {source}")  # noqa: S608 - made of quoted names and compiled text


def metadata_table(table: StaticTable, kind: str) -> MetadataTable:
    """Return a metadata table by the word after the dollar sign."""
    if kind == "partitions":
        return _partitions(table)
    if kind not in _TABLES:
        raise NotSupportedError(f"Iceberg metadata table ${kind}")
    wanted = _TABLES[kind]
    columns = [TableColumn(name, type_) for name, type_, _ in wanted.columns]
    return MetadataTable(columns, [sql for _, _, sql in wanted.columns], wanted.rows(table))


def _partitions(table: StaticTable) -> MetadataTable:
    rows = table.inspect.partitions()
    columns: list[TableColumn] = []
    expressions: list[str] = []
    if "partition" in rows.column_names:
        columns.append(TableColumn("partition", _stored(rows.schema.field("partition").type)))
        expressions.append("partition")
    for name, source in (
        ("record_count", "record_count"),
        ("file_count", "file_count"),
        ("total_size", "total_data_file_size_in_bytes"),
    ):
        columns.append(TableColumn(name, t.BIGINT))
        expressions.append(f"CAST({source} AS BIGINT)")
    return MetadataTable(columns, expressions, rows)


def _stored(type_: Any) -> Type:
    found = stored_type(type_)
    if found is None:
        raise NotSupportedError(f"a partition of type {type_}")
    return found
