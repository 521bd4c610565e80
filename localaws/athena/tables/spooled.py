"""Tables whose rows DuckDB does not read itself: Python reads them once, into a typed file that it does."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.athena.failure import QueryError
from localaws.athena.sql.types import Type, duckdb_type, literal, quote
from localaws.athena.tables.binding import BindSession
from localaws.athena.tables.columns import Field
from localaws.athena.tables.parquet import null_column

_BATCH_ROWS: Final = 20_000
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class RowObject:
    """An object of such a table, and the values that hold for all of its rows."""

    path: Path
    uri: str
    constants: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RowReading:
    """What to read.

    Parameters
    ----------
    fields, constants, unread
        Columns inside the objects, columns that are the same in all of an object, columns to leave NULL.
    serde
        The SerDe's properties.
    columns
        The names of all columns inside the objects, in order.
    header_lines
        How many lines at an object's start are no rows.
    """

    fields: Sequence[Field]
    constants: Sequence[Field]
    serde: dict[str, str]
    unread: Sequence[Field] = ()
    columns: Sequence[str] = ()
    header_lines: int = 0


RowReader = Callable[[RowObject, RowReading], Iterator[list[Any]]]
"""Yields the rows of an object, each the values of the wanted fields."""


def bind_rows(
    relation: str, objects: Sequence[RowObject], wanted: RowReading, read: RowReader, session: BindSession
) -> None:
    """Read objects once into a typed spool file, and make that readable under a name."""
    path = session.new_file()
    schema = pa.schema(
        [pa.field("object_index", pa.int32())] + [pa.field(f.name, arrow_type(f.type)) for f in wanted.fields]
    )
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        rows = ([index, *row] for index, item in enumerate(objects) for row in read(item, wanted))
        for batch in _batches(rows, schema):
            writer.write_batch(batch)
    texts = [quote(f.name) for f in wanted.fields]
    for field in wanted.constants:
        values = ", ".join(dict(item.constants)[field.name] for item in objects)
        texts.append(
            f"(CAST([{values}] AS {duckdb_type(field.type)}[]))[object_index + 1] AS {quote(field.name)}"
        )
    listed = ", ".join([*texts, *map(null_column, wanted.unread)]) or "1 AS no_column"
    session.view(relation, f"SELECT {listed} FROM read_parquet({literal(str(path))})")  # noqa: S608 - made of quoted names and compiled text


def _batches(rows: Iterator[list[Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    batch: list[list[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= _BATCH_ROWS:
            yield _batch(batch, schema)
            batch = []
    if batch:
        yield _batch(batch, schema)


def _batch(rows: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def lines_of(item: RowObject) -> Iterator[tuple[int, str]]:
    """Yield the lines of an object, plain or GZIP, with their numbers from 1."""
    with item.path.open("rb") as raw:
        compressed = raw.read(2) == _GZIP
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if compressed else raw
        try:
            yield from enumerate(io.TextIOWrapper(stream, encoding="utf-8", errors="replace"), 1)
        except (EOFError, gzip.BadGzipFile) as error:
            raise QueryError("HIVE_CURSOR_ERROR", f"Failed to read file: {item.uri}: {error}") from error


_ARROW: Final = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "char": pa.string(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


def arrow_type(type_: Type) -> pa.DataType:
    """Return the Arrow type in which rows are spooled."""
    match type_.name:
        case "decimal":
            return pa.decimal128(*type_.params)
        case "array":
            return pa.list_(arrow_type(type_.args[0]))
        case "map":
            return pa.map_(arrow_type(type_.args[0]), arrow_type(type_.args[1]))
        case "row":
            return pa.struct([(n, arrow_type(arg)) for n, arg in zip(type_.fields, type_.args, strict=True)])
        case name if name in _ARROW:
            return _ARROW[name]
        case name:
            raise QueryError(
                "HIVE_UNSUPPORTED_FORMAT", f"a table of text cannot have a column of type {name}"
            )
