"""JSON tables: each line's first value is a row, as the OpenX and Hive SerDes read it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.types import Type, duckdb_type, literal, quote
from localaws.athena.tables.binding import BindSession
from localaws.athena.tables.columns import Field
from localaws.athena.tables.parquet import null_column

_BATCH_ROWS: Final = 20_000
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class JsonObject:
    """An object of a JSON table, and the values that hold for all of its rows."""

    path: Path
    uri: str
    constants: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class JsonReading:
    """What to read: declared columns, constant columns, the SerDe's properties, columns to leave NULL."""

    fields: Sequence[Field]
    constants: Sequence[Field]
    serde: dict[str, str]
    unread: Sequence[Field] = ()

    @property
    def skips_malformed(self) -> bool:
        """Whether a line that is no JSON object is a row of NULLs."""
        return self.serde.get("ignore.malformed.json", "false").lower() == "true"

    def key(self, field: Field) -> str:
        """Return the JSON key, in lower case, that a column is read from."""
        return self.serde.get(f"mapping.{field.name}", field.name).lower()


def bind_json(
    relation: str, objects: Sequence[JsonObject], wanted: JsonReading, session: BindSession
) -> None:
    """Read objects once into a typed spool file, and make that readable under a name."""
    path = session.new_file()
    schema = pa.schema(
        [pa.field("object_index", pa.int32())] + [pa.field(f.name, arrow_type(f.type)) for f in wanted.fields]
    )
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for batch in _batches(objects, wanted, schema):
            writer.write_batch(batch)
    texts = [quote(f.name) for f in wanted.fields]
    for field in wanted.constants:
        values = ", ".join(dict(item.constants)[field.name] for item in objects)
        texts.append(
            f"(CAST([{values}] AS {duckdb_type(field.type)}[]))[object_index + 1] AS {quote(field.name)}"
        )
    listed = ", ".join([*texts, *map(null_column, wanted.unread)]) or "1 AS no_column"
    session.view(relation, f"SELECT {listed} FROM read_parquet({literal(str(path))})")  # noqa: S608 - made of quoted names and compiled text


def _batches(
    objects: Sequence[JsonObject], wanted: JsonReading, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    rows: list[list[Any]] = []
    for index, item in enumerate(objects):
        for row in _rows(item, wanted):
            rows.append([index, *row])
            if len(rows) >= _BATCH_ROWS:
                yield _batch(rows, schema)
                rows = []
    if rows:
        yield _batch(rows, schema)


def _batch(rows: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _rows(item: JsonObject, wanted: JsonReading) -> Iterator[list[Any]]:
    decoder = json.JSONDecoder(parse_float=Decimal)
    keys = [(field, wanted.key(field)) for field in wanted.fields]
    with item.path.open("rb") as raw:
        compressed = raw.read(2) == _GZIP
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if compressed else raw
        try:
            for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8", errors="replace"), 1):
                text = line.strip()
                if text:
                    yield _row(decoder, text, keys, wanted, f"{item.uri}, line {number}")
        except (EOFError, gzip.BadGzipFile) as error:
            raise QueryError("HIVE_CURSOR_ERROR", f"Failed to read file: {item.uri}: {error}") from error


def _row(
    decoder: json.JSONDecoder, text: str, keys: list[tuple[Field, str]], wanted: JsonReading, where: str
) -> list[Any]:
    try:
        # Hive's SerDes stop after the first value of a line
        value, _ = decoder.raw_decode(text)
    except ValueError as error:
        if wanted.skips_malformed:
            return [None] * len(keys)
        raise QueryError(
            "HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object - JSONException: {error} ({where})"
        ) from error
    if not isinstance(value, dict):
        if wanted.skips_malformed:
            return [None] * len(keys)
        raise QueryError("HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object ({where})")
    lowered = {key.lower(): item for key, item in value.items()}
    return [_converted(lowered.get(key), field.type, field.name, where) for field, key in keys]


def _converted(value: Any, type_: Type, name: str, where: str) -> Any:
    if value is None:
        return None
    try:
        return convert_json(value, type_)
    except (ValueError, TypeError, InvalidOperation) as error:
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        raise QueryError(
            "HIVE_BAD_DATA", f"Error parsing field value '{shown}' for field {name}: not a {type_} ({where})"
        ) from error


def convert_json(value: Any, type_: Type) -> Any:
    """Return a JSON value as the declared type has it in Arrow."""
    if value is None:
        return None
    match type_.name:
        case "array":
            return [convert_json(item, type_.args[0]) for item in _of(value, list)]
        case "map":
            pairs = _of(value, dict).items()
            return [
                (convert_json(key, type_.args[0]), convert_json(item, type_.args[1])) for key, item in pairs
            ]
        case "row":
            lowered = {key.lower(): item for key, item in _of(value, dict).items()}
            return {
                n: convert_json(lowered.get(n), arg) for n, arg in zip(type_.fields, type_.args, strict=True)
            }
        case "varchar" | "char":
            return (
                value if isinstance(value, str) else json.dumps(value, default=_number, separators=(",", ":"))
            )
        case "boolean":
            return _boolean(value)
        case name if name in t.INTEGERS:
            return _integer(value, name)
        case "real" | "double":
            return float(_scalar(value))
        case "decimal":
            return Decimal(str(_scalar(value))).quantize(Decimal(1).scaleb(-type_.params[1]))
        case "date":
            return date.fromisoformat(_of(value, str).strip())
        case "timestamp":
            return datetime.fromisoformat(_of(value, str).strip().removesuffix("Z")).replace(tzinfo=None)
        case _:
            raise TypeError(f"JSON tables have no columns of type {type_}")


_RANGES: Final = {"tinyint": 2**7, "smallint": 2**15, "integer": 2**31, "bigint": 2**63}


def _integer(value: Any, name: str) -> int:
    number = Decimal(str(_scalar(value)).strip())
    if number != number.to_integral_value() or not -_RANGES[name] <= number < _RANGES[name]:
        raise ValueError(f"{value} is no {name}")
    return int(number)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(f"{value!r} is no boolean")


def _scalar(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise TypeError(f"{value!r} is no number")
    return value


def _of(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{value!r} is not JSON")


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
            raise QueryError("HIVE_UNSUPPORTED_FORMAT", f"a JSON table cannot have a column of type {name}")
