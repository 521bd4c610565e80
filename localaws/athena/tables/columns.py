"""Reading a file's columns as the table declares them: by name or by field id, with the declared type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.types import Type, duckdb_type, quote

_FIELD_ID: Final = b"PARQUET:field_id"


@dataclass(frozen=True)
class Field:
    """A column, or a field inside one, that a table declares.

    Parameters
    ----------
    name, type
        What the table calls it, and its Trino type.
    id
        Its Iceberg field id.
    children
        Fields of a row, element of an array, key and value of a map.
    """

    name: str
    type: Type
    id: int | None = None
    children: tuple[Field, ...] = ()


def field_of(name: str, type_: Type) -> Field:
    """Return a declared field without ids."""
    names = type_.fields or ("key", "value")
    inner = tuple(field_of(child, arg) for child, arg in zip(names, type_.args, strict=False))
    return Field(name, type_, None, inner)


def find_source(wanted: Field, sources: Iterable[pa.Field]) -> pa.Field | None:
    """Return the stored field that a declared one means: by id where the file has ids, else by name."""
    candidates = list(sources)
    ids = {_id_of(source): source for source in candidates}
    if wanted.id is not None and set(ids) != {None}:
        return ids.get(wanted.id)
    exact = next((s for s in candidates if s.name == wanted.name), None)
    return exact or next((s for s in candidates if s.name.lower() == wanted.name.lower()), None)


def _id_of(field: pa.Field) -> int | None:
    value = (field.metadata or {}).get(_FIELD_ID)
    return int(value) if value is not None else None


def reading(wanted: Field, source: pa.Field | None, sql: str, depth: int = 0) -> str:
    """Return DuckDB's expression for a declared field over a stored one."""
    target = duckdb_type(wanted.type)
    if source is None:
        return f"CAST(NULL AS {target})"
    stored = stored_type(source.type)
    if stored == wanted.type and _same_names(wanted, source):
        return sql
    name = f"v{depth}_"
    match wanted.type.name:
        case "row" if pa.types.is_struct(source.type):
            return _row(wanted, source, sql, depth)
        case "array" if _is_list(source.type):
            inner = reading(wanted.children[0], source.type.value_field, name, depth + 1)
            return sql if inner == name else f"list_transform({sql}, lambda {name}: {inner})"
        case "map" if pa.types.is_map(source.type):
            key = reading(wanted.children[0], source.type.key_field, f"{name}.key", depth + 1)
            value = reading(wanted.children[1], source.type.item_field, f"{name}.value", depth + 1)
            if (key, value) == (f"{name}.key", f"{name}.value"):
                return sql
            pairs = f"list_transform(map_entries({sql}), lambda {name}: {{'k': {key}, 'v': {value}}})"
            return f"map_from_entries({pairs})"
    return _scalar(wanted, source, stored, sql)


def _row(wanted: Field, source: pa.Field, sql: str, depth: int) -> str:
    stored = [source.type.field(i) for i in range(source.type.num_fields)]
    parts = []
    for child in wanted.children:
        found = find_source(child, stored)
        inner = f"({sql}).{quote(found.name)}" if found is not None else "NULL"
        parts.append(f"{quote(child.name)} := {reading(child, found, inner, depth + 1)}")
    return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"


_COMPATIBLE: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(t.INTEGERS, t.INTEGERS),
    "real": ("real", "double"),
    "double": ("real", "double"),
    "decimal": ("decimal", *t.INTEGERS),
    "varchar": ("varchar", "varbinary"),
    "char": ("varchar", "varbinary"),
    "varbinary": ("varbinary", "varchar"),
    "timestamp": ("timestamp", "timestamptz"),
    "timestamptz": ("timestamptz", "timestamp"),
}


def _scalar(wanted: Field, source: pa.Field, stored: Type | None, sql: str) -> str:
    name = wanted.type.name
    if stored is None or stored.name not in _COMPATIBLE.get(name, (name,)):
        raise QueryError(
            "HIVE_BAD_DATA",
            f"Field {wanted.name}'s type {source.type} is incompatible with type {wanted.type} "
            "defined in table schema",
        )
    if name == "timestamptz":
        return f"trino_utc(CAST({sql} AS TIMESTAMP))"
    if name == "timestamp" and wanted.type.params[0] < 6:
        return f"date_trunc('milliseconds', CAST({sql} AS TIMESTAMP))"
    if name in ("varchar", "char") and stored.name == "varbinary":
        return f"decode({sql})"
    if duckdb_type(stored) == duckdb_type(wanted.type) and stored.name not in ("timestamp", "timestamptz"):
        return sql
    return f"CAST({sql} AS {duckdb_type(wanted.type)})"


def _same_names(wanted: Field, source: pa.Field) -> bool:
    if not wanted.children:
        return True
    if not pa.types.is_struct(source.type):
        inner = (
            [source.type.value_field]
            if _is_list(source.type)
            else [source.type.key_field, source.type.item_field]
        )
        return all(_same_names(child, field) for child, field in zip(wanted.children, inner, strict=True))
    stored: Sequence[pa.Field] = [source.type.field(i) for i in range(source.type.num_fields)]
    pairs = zip(wanted.children, stored, strict=True)
    return all(find_source(child, stored) is field and _same_names(child, field) for child, field in pairs)


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_))


_ARROW: Final[dict[pa.DataType, Type]] = {
    pa.bool_(): t.BOOLEAN,
    pa.int8(): t.TINYINT,
    pa.int16(): t.SMALLINT,
    pa.int32(): t.INTEGER,
    pa.int64(): t.BIGINT,
    pa.float32(): t.REAL,
    pa.float64(): t.DOUBLE,
    pa.string(): t.VARCHAR,
    pa.large_string(): t.VARCHAR,
    pa.binary(): t.VARBINARY,
    pa.large_binary(): t.VARBINARY,
    pa.date32(): t.DATE,
    pa.timestamp("ms"): t.timestamp(3),
    pa.timestamp("us"): t.timestamp(6),
    pa.timestamp("ns"): t.timestamp(9),
    pa.time64("us"): t.TIME,
    pa.null(): t.UNKNOWN,
}


def stored_type(type_: pa.DataType) -> Type | None:
    """Return the Trino type of what a Parquet file stores, or ``None`` when Trino reads no such thing."""
    if pa.types.is_decimal(type_):
        return t.decimal(type_.precision, type_.scale)
    if pa.types.is_timestamp(type_) and type_.tz is not None:
        return t.timestamptz(6)
    if pa.types.is_dictionary(type_):
        return stored_type(type_.value_type)
    inner: list[pa.Field] = []
    if pa.types.is_struct(type_):
        inner = [type_.field(i) for i in range(type_.num_fields)]
    elif _is_list(type_):
        inner = [type_.value_field]
    elif pa.types.is_map(type_):
        inner = [type_.key_field, type_.item_field]
    if not inner:
        return _ARROW.get(type_)
    args = [stored_type(field.type) for field in inner]
    if any(arg is None for arg in args):
        return None
    known = tuple(arg for arg in args if arg is not None)
    if pa.types.is_struct(type_):
        return t.row(zip((field.name for field in inner), known, strict=True))
    return Type("map" if pa.types.is_map(type_) else "array", args=known)
