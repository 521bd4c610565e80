"""Hive types as a crawler finds them: from JSON values, from Parquet files, from Iceberg schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_INT_MAX = 2**31 - 1
_WIDENING = ("tinyint", "smallint", "int", "bigint", "float", "double")
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Array:
    """``array<element>``."""

    element: HiveType


@dataclass(frozen=True)
class Struct:
    """``struct<name:type,…>``, in the order in which the fields were met."""

    fields: tuple[tuple[str, HiveType], ...]


HiveType = str | Array | Struct
"""A type; primitives and maps are their own text, ``unknown`` is what only nulls were seen of."""


def render(hive_type: HiveType) -> str:
    """Write a type as Glue does."""
    if isinstance(hive_type, Array):
        return f"array<{render(hive_type.element)}>"
    if isinstance(hive_type, Struct):
        return f"struct<{','.join(f'{name}:{render(each)}' for name, each in hive_type.fields)}>"
    return "string" if hive_type == _UNKNOWN else hive_type


def merge(left: HiveType, right: HiveType) -> HiveType:
    """Return the narrowest type that holds both; what has none is a string."""
    if left == right or right == _UNKNOWN:
        return left
    if left == _UNKNOWN:
        return right
    if isinstance(left, Array) and isinstance(right, Array):
        return Array(merge(left.element, right.element))
    if isinstance(left, Struct) and isinstance(right, Struct):
        return Struct(tuple(merge_fields([dict(left.fields), dict(right.fields)]).items()))
    if left in _WIDENING and right in _WIDENING:
        return max(left, right, key=_WIDENING.index)
    return "string"


def merge_fields(schemas: Iterable[Mapping[str, HiveType]]) -> dict[str, HiveType]:
    """Return all fields of several schemas, in the order in which they were first met."""
    merged: dict[str, HiveType] = {}
    for schema in schemas:
        for name, hive_type in schema.items():
            merged[name] = merge(merged[name], hive_type) if name in merged else hive_type
    return merged


def of_json(value: object) -> HiveType:
    """Return the type of one JSON value."""
    if value is None:
        return _UNKNOWN
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int" if -_INT_MAX <= value <= _INT_MAX else "bigint"
    if isinstance(value, float):
        return "double"
    if isinstance(value, dict):
        return Struct(tuple((name, of_json(each)) for name, each in value.items()))
    if isinstance(value, list):
        element: HiveType = _UNKNOWN
        for each in value:
            element = merge(element, of_json(each))
        return Array(element)
    return "string"


_ARROW_NAMES = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "bigint",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "binary": "binary",
    "large_binary": "binary",
    "date32[day]": "date",
}


def of_arrow(arrow_type: Any) -> HiveType:
    """Return the type of a column of a Parquet file, as pyarrow reads it.

    Raises
    ------
    ValueError
        For a type that Hive has no name for.
    """
    # Imported here: pyarrow is large, and many lakes hold no Parquet that is crawled.
    from pyarrow import types

    if types.is_timestamp(arrow_type):
        return "timestamp"
    if types.is_decimal(arrow_type):
        return f"decimal({arrow_type.precision},{arrow_type.scale})"
    if types.is_dictionary(arrow_type):
        return of_arrow(arrow_type.value_type)
    if types.is_struct(arrow_type):
        return Struct(tuple((field.name, of_arrow(field.type)) for field in arrow_type))
    if types.is_map(arrow_type):
        key, item = of_arrow(arrow_type.key_type), of_arrow(arrow_type.item_type)
        return f"map<{render(key)},{render(item)}>"
    if types.is_list(arrow_type) or types.is_large_list(arrow_type):
        return Array(of_arrow(arrow_type.value_type))
    if types.is_fixed_size_binary(arrow_type):
        return "binary"
    if str(arrow_type) not in _ARROW_NAMES:
        raise ValueError(f"Hive has no type for {arrow_type}")
    return _ARROW_NAMES[str(arrow_type)]


_ICEBERG_NAMES = {
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "date": "date",
    "time": "string",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "string": "string",
    "uuid": "string",
    "binary": "binary",
}


def of_iceberg(iceberg_type: Any) -> HiveType:
    """Return the type of a field of an Iceberg schema, as its metadata file writes it.

    Raises
    ------
    ValueError
        For a type that Hive has no name for.
    """
    if isinstance(iceberg_type, dict):
        return _of_nested_iceberg(iceberg_type)
    name = str(iceberg_type)
    if name.startswith("decimal"):
        return name.replace(" ", "")
    if name.startswith("fixed"):
        return "binary"
    if name not in _ICEBERG_NAMES:
        raise ValueError(f"Hive has no type for Iceberg's {name}")
    return _ICEBERG_NAMES[name]


def _of_nested_iceberg(nested: dict[str, Any]) -> HiveType:
    if nested["type"] == "list":
        return Array(of_iceberg(nested["element"]))
    if nested["type"] == "map":
        return f"map<{render(of_iceberg(nested['key']))},{render(of_iceberg(nested['value']))}>"
    return Struct(tuple((field["name"], of_iceberg(field["type"])) for field in nested["fields"]))
