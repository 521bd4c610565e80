"""Hive external tables: Glue says which partitions there are and what the columns are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.catalog import Predicate, TableColumn, TableScan
from localaws.athena.sql.type_text import parse_type
from localaws.athena.sql.types import Type, duckdb_type, literal, quote
from localaws.athena.tables.binding import BindSession
from localaws.athena.tables.columns import field_of
from localaws.athena.tables.json_rows import json_rows
from localaws.athena.tables.parquet import ParquetFile, Reading, bind_files
from localaws.athena.tables.spooled import RowObject, RowReader, RowReading, bind_rows
from localaws.athena.tables.text_rows import csv_rows, delimited_rows
from localaws.storage import StoredObject

NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
_PARQUET: Final = "parquet"
_JSON: Final = "json"
_TEXT: Final = "textfile"
_CSV: Final = "csv"
_FORMATS: Final = {
    "org.apache.hadoop.hive.ql.io.parquet.serde.parquethiveserde": _PARQUET,
    "org.openx.data.jsonserde.jsonserde": _JSON,
    "org.apache.hive.hcatalog.data.jsonserde": _JSON,
    "com.amazonaws.glue.serde.jsonserde": _JSON,
    "org.apache.hadoop.hive.serde2.lazy.lazysimpleserde": _TEXT,
    "org.apache.hadoop.hive.serde2.opencsvserde": _CSV,
}
_ROW_READERS: Final[dict[str, RowReader]] = {_JSON: json_rows, _TEXT: delimited_rows, _CSV: csv_rows}
_HIDDEN: Final = (
    TableColumn("$path", t.VARCHAR, hidden=True),
    TableColumn("$file_size", t.BIGINT, hidden=True),
    TableColumn("$file_modified_time", t.timestamptz(3), hidden=True),
)


@dataclass(frozen=True)
class Partition:
    """A partition that Glue, or projection, says there is; of a table without keys, the whole table."""

    values: tuple[str, ...]
    location: str


PartitionSource = Callable[["HiveTable", list[Predicate], BindSession], list[Partition]]


@dataclass(frozen=True, eq=False)
class HiveTable:
    """A table of the Glue catalog in Parquet, JSON, delimited text or CSV.

    Parameters
    ----------
    database, name
        Where it is in the catalog.
    glue
        Glue's own description.
    partitions
        What lists its partitions.
    """

    database: str
    name: str
    glue: dict[str, Any]
    partitions: PartitionSource

    @property
    def keys(self) -> list[TableColumn]:
        """The partition keys."""
        return [_column(column) for column in self.glue.get("PartitionKeys") or []]

    @property
    def data_columns(self) -> list[TableColumn]:
        """The columns inside the files."""
        return [_column(column) for column in self.glue["StorageDescriptor"].get("Columns") or []]

    @property
    def columns(self) -> Sequence[TableColumn]:
        """All columns, partition keys after the others, hidden ones last."""
        return [*self.data_columns, *self.keys, *_HIDDEN]

    @property
    def location(self) -> str:
        """Where its files are."""
        return str(self.glue["StorageDescriptor"].get("Location") or "")

    @property
    def parameters(self) -> dict[str, str]:
        """Its table properties."""
        return dict(self.glue.get("Parameters") or {})

    @property
    def format(self) -> str:
        """``parquet``, ``json``, ``textfile`` or ``csv``; any other is refused."""
        serde = self.glue["StorageDescriptor"].get("SerdeInfo") or {}
        library = serde.get("SerializationLibrary") or ""
        if library.lower() not in _FORMATS:
            raise NotSupportedError(f"table {self.database}.{self.name}: SerDe {library or 'none'}")
        return _FORMATS[library.lower()]

    def bind(self, scan: TableScan, session: BindSession) -> None:
        """Make the table's rows readable."""
        form = self.format
        objects = self._objects(scan.predicates, session)
        constants = [field_of(c.name, c.type) for c in [*self.keys, *_HIDDEN] if c.name in scan.used]
        fields = [field_of(c.name, c.type) for c in self.data_columns if c.name in scan.used]
        unread = [
            field_of(c.name, c.type) for c in [*self.data_columns, *self.keys] if c.name not in scan.used
        ]
        if form in _ROW_READERS:
            rows = [RowObject(session.lake.path(o.uri), o.uri, self._constants(p, o)) for o, p in objects]
            session.bytes_scanned += sum(o.bytes_stored for o, _ in objects)
            serde = (self.glue["StorageDescriptor"].get("SerdeInfo") or {}).get("Parameters") or {}
            columns = [column.name for column in self.data_columns]
            wanted = RowReading(fields, constants, serde, unread, columns, self._header_lines())
            bind_rows(scan.relation, rows, wanted, _ROW_READERS[form], session)
            return
        files = [
            ParquetFile(session.lake.path(o.uri), o.uri, o.etag, self._constants(p, o)) for o, p in objects
        ]
        reading = Reading(fields, constants, session.comparisons(scan.predicates), unread)
        bind_files(scan.relation, files, reading, session)

    def _header_lines(self) -> int:
        if self.parameters.get("skip.footer.line.count", "0") != "0":
            raise NotSupportedError(f"table {self.database}.{self.name}: skip.footer.line.count")
        return int(self.parameters.get("skip.header.line.count", "0"))

    def _objects(
        self, predicates: list[Predicate], session: BindSession
    ) -> list[tuple[StoredObject, Partition]]:
        chosen = self._prune(self.partitions(self, predicates, session), predicates, session)
        found = session.lake.under([partition.location for partition in chosen])
        return [(item, part) for part, items in zip(chosen, found, strict=True) for item in items]

    def _prune(
        self, partitions: list[Partition], predicates: list[Predicate], session: BindSession
    ) -> list[Partition]:
        names = {key.name for key in self.keys}
        about = [p.sql for p in predicates if p.columns and p.columns <= names]
        if not about or not partitions:
            return partitions
        columns = ", ".join(
            f"{typed_key(f'v[{i + 1}]', key.type)} AS {quote(key.name)}" for i, key in enumerate(self.keys)
        )
        table = pa.table({"i": range(len(partitions)), "v": pa.array([list(p.values) for p in partitions])})
        session.connection.register("partition_values", table)
        typed = f"SELECT i, {columns} FROM partition_values"  # noqa: S608 - made of quoted names and compiled text
        sql = f"SELECT i FROM ({typed}) AS p WHERE {' AND '.join(about)} ORDER BY i"  # noqa: S608 - made of quoted names and compiled text
        rows = session.connection.execute(sql).fetchall()
        session.connection.unregister("partition_values")
        return [partitions[i] for (i,) in rows]

    def _constants(self, partition: Partition, item: StoredObject) -> tuple[tuple[str, str], ...]:
        keys = [
            (key.name, typed_key(literal(value), key.type))
            for key, value in zip(self.keys, partition.values, strict=True)
        ]
        modified = f"trino_utc(TIMESTAMP {literal(item.modified_at.strftime('%Y-%m-%d %H:%M:%S.%f'))})"
        return (
            *keys,
            ("$path", literal(item.uri)),
            ("$file_size", str(item.bytes_stored)),
            ("$file_modified_time", modified),
        )


def typed_key(sql: str, type_: Type) -> str:
    """Return a partition value, which Glue keeps as text, as its declared type."""
    return f"CAST(nullif({sql}, {literal(NULL_PARTITION)}) AS {duckdb_type(type_)})"


def _column(column: dict[str, Any]) -> TableColumn:
    name = str(column["Name"]).lower()
    try:
        return TableColumn(name, parse_type(column.get("Type") or "string"))
    except QueryError as error:
        raise QueryError("HIVE_INVALID_METADATA", f"column {name}: {error.message}") from error
