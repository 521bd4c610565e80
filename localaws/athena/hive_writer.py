"""Writing rows as Athena's Hive writer does: Parquet or JSON, one folder a partition."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.athena.engine import Rows
from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql.catalog import OutputColumn
from localaws.athena.sql.types import Type
from localaws.athena.tables.hive import NULL_PARTITION
from localaws.athena.tables.spooled import arrow_type
from localaws.athena.text import formatter
from localaws.storage import LakeStorage, split_uri

MAX_PARTITIONS: Final = 100
_ILLEGAL: Final = "\"#%'*/:=?\\{[]^\x7f"
_CODECS: Final = {
    "GZIP": "gzip",
    "SNAPPY": "snappy",
    "ZSTD": "zstd",
    "LZ4": "lz4",
    "NONE": "none",
    "UNCOMPRESSED": "none",
}


@dataclass(frozen=True)
class WriteOptions:
    """How rows are written.

    Parameters
    ----------
    location
        ``s3://`` folder.
    format
        ``PARQUET`` or ``JSON``.
    compression
        Athena's name of the codec.
    partitioned_by
        The last columns, which go into the path.
    """

    location: str
    format: str = "PARQUET"
    compression: str = "GZIP"
    partitioned_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse formats and codecs that nothing here writes."""
        if self.format not in ("PARQUET", "JSON"):
            raise NotSupportedError(f"format {self.format}")
        if self.compression not in _CODECS or (
            self.format == "JSON" and self.compression not in ("GZIP", "NONE")
        ):
            raise NotSupportedError(f"compression {self.compression} of format {self.format}")


@dataclass(frozen=True)
class Written:
    """A file that was written, and the partition it is in."""

    uri: str
    partition: tuple[str, ...]
    rows: int


def check_columns(columns: Sequence[OutputColumn], options: WriteOptions) -> None:
    """Fail for columns that Hive cannot keep."""
    seen: set[str] = set()
    for position, column in enumerate(columns, 1):
        if column.name == f"_col{position - 1}":
            raise QueryError("MISSING_COLUMN_NAME", f"Column name not specified at position {position}")
        if column.name in seen:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Column name '{column.name}' specified more than once")
        seen.add(column.name)
        _check_type(column.name, column.type)
    names = [column.name for column in columns]
    keys = list(options.partitioned_by)
    if keys and (names[-len(keys) :] != keys or len(keys) == len(names)):
        raise QueryError(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in the same order as the table "
            f"properties: {keys}",
        )


def _check_type(name: str, type_: Type) -> None:
    if type_.name == "timestamp" and type_.params[0] > 3:
        raise QueryError(
            "NOT_SUPPORTED",
            f"Incorrect timestamp precision for {type_}; the configured precision is MILLISECONDS; "
            f"column name: {name}",
        )
    if type_.name in ("timestamptz", "time", "json", "uuid", "unknown") or type_.name.startswith("interval"):
        raise QueryError("NOT_SUPPORTED", f"Unsupported Hive type: {type_}; column name: {name}")
    for arg in type_.args:
        _check_type(name, arg)


class HiveWriter:
    """Writes a query's rows; nothing is in S3 before :meth:`publish`.

    Parameters
    ----------
    options
        Where and how.
    columns
        The query's columns.
    spool_dir
        Folder for files before they are published.
    """

    def __init__(
        self, options: WriteOptions, columns: Sequence[OutputColumn], spool_dir: Path, now: datetime
    ) -> None:
        check_columns(columns, options)
        self._options = options
        self._data = [c for c in columns if c.name not in options.partitioned_by]
        self._keys = [c for c in columns if c.name in options.partitioned_by]
        self._schema = pa.schema([pa.field(c.name, arrow_type(c.type)) for c in self._data])
        self._spool_dir = spool_dir
        self._stamp = now.strftime("%Y%m%d_%H%M%S_00000_") + uuid.uuid4().hex[:5]
        self._files: dict[tuple[str, ...], _PartitionFile] = {}

    def write(self, rows: Rows) -> int:
        """Spool all rows; return their number."""
        self._spool_dir.mkdir(parents=True, exist_ok=True)
        count = 0
        for batch in rows.batches:
            count += batch.num_rows
            self._write_batch(batch)
        for file in self._files.values():
            file.close()
        return count

    def _write_batch(self, batch: pa.RecordBatch) -> None:
        arrays = batch.columns[: len(self._data)]
        data = pa.table(
            [a.cast(f.type) for a, f in zip(arrays, self._schema, strict=True)], schema=self._schema
        )
        if not self._keys:
            self._file(()).write(data)
            return
        values = [
            [_key_text(value, key.type) for value in column.to_pylist()]
            for key, column in zip(self._keys, batch.columns[len(self._data) :], strict=True)
        ]
        rows_of: dict[tuple[str, ...], list[int]] = {}
        for i, partition in enumerate(zip(*values, strict=True)):
            rows_of.setdefault(partition, []).append(i)
        for partition, indices in rows_of.items():
            self._file(partition).write(data.take(indices))

    def _file(self, partition: tuple[str, ...]) -> _PartitionFile:
        if partition not in self._files:
            if len(self._files) >= MAX_PARTITIONS and partition:
                raise QueryError(
                    "HIVE_TOO_MANY_OPEN_PARTITIONS",
                    f"Exceeded limit of {MAX_PARTITIONS} open writers for partitions/buckets",
                )
            path = self._spool_dir / uuid.uuid4().hex
            self._files[partition] = self._new_file(path)
        return self._files[partition]

    def _new_file(self, path: Path) -> _PartitionFile:
        codec = _CODECS[self._options.compression]
        if self._options.format == "JSON":
            return _JsonPart(path, codec, self._data)
        return _ParquetPart(path, codec, self._schema)

    def publish(self, storage: LakeStorage) -> list[Written]:
        """Put the files into S3 and return them."""
        bucket, prefix = split_uri(self._options.location)
        suffix = ".gz" if (self._options.format, self._options.compression) == ("JSON", "GZIP") else ""
        written = []
        for partition, file in self._files.items():
            folder = self.folder(partition)
            key = "/".join(
                part for part in (prefix.strip("/"), folder, f"{self._stamp}_{uuid.uuid4()}{suffix}") if part
            )
            storage.put(bucket, key, file.path.read_bytes())
            written.append(Written(f"s3://{bucket}/{key}", partition, file.rows))
        return written

    def folder(self, partition: tuple[str, ...]) -> str:
        """Return the path of a partition below the location."""
        pairs = zip(self._options.partitioned_by, partition, strict=True)
        return "/".join(f"{key}={_escaped(value)}" for key, value in pairs)


class _PartitionFile(Protocol):
    """A file of one partition, while it is being written."""

    path: Path
    rows: int

    def write(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


class _ParquetPart:
    def __init__(self, path: Path, codec: str, schema: pa.Schema) -> None:
        self.path, self.rows = path, 0
        # Trino's Hive writer keeps timestamps as INT96
        self._writer = pq.ParquetWriter(path, schema, compression=codec, use_deprecated_int96_timestamps=True)

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _JsonPart:
    def __init__(self, path: Path, codec: str, columns: Sequence[OutputColumn]) -> None:
        self.path, self.rows = path, 0
        self._columns = columns
        self._codec = codec
        path.touch()

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        body = "".join(map(self._line, table.to_pylist())).encode()
        with self.path.open("ab") as file:
            # members of gzip may follow one another in one file
            file.write(gzip.compress(body) if self._codec == "gzip" else body)

    def _line(self, row: dict[str, Any]) -> str:
        present = {c.name: _json_value(row[c.name], c.type) for c in self._columns if row[c.name] is not None}
        return json.dumps(present, separators=(",", ":"), ensure_ascii=False) + "\n"

    def close(self) -> None:
        """Every write closed the file already."""


def _json_value(value: Any, type_: Type) -> Any:
    if value is None:
        return None
    match type_.name:
        case "array":
            return [_json_value(item, type_.args[0]) for item in value]
        case "map":
            return {str(key): _json_value(item, type_.args[1]) for key, item in value}
        case "row":
            pairs = zip(type_.fields, type_.args, strict=True)
            return {name: _json_value(value[name], arg) for name, arg in pairs}
        case "decimal":
            return float(value)
        case "date" | "timestamp" | "varbinary":
            return formatter(type_)(value)
        case _:
            return value


def _key_text(value: Any, type_: Type) -> str:
    if value is None or value == "":
        return NULL_PARTITION
    if type_.name == "timestamp":
        return str(value.strftime("%Y-%m-%d %H:%M:%S"))
    return formatter(type_)(value)


def _escaped(value: str) -> str:
    return "".join(quote(c, safe="") if c in _ILLEGAL or ord(c) < 32 else c for c in value)
