"""Trino's types: their text, how they convert into one another, and what DuckDB calls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_DECIMAL: Final = 38


@dataclass(frozen=True)
class Type:
    """A Trino type.

    Parameters
    ----------
    name
        Trino's base name, such as ``integer``, ``timestamp`` or ``row``.
    params
        Lengths and precisions: ``(10, 2)`` for ``decimal(10,2)``.
    args
        Element types of arrays, maps and rows.
    fields
        Field names of a row; a field without a name is ``field0``, ``field1`` …
    """

    name: str
    params: tuple[int, ...] = ()
    args: tuple[Type, ...] = ()
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the type as Trino writes it."""
        if self.name == "row":
            inner = ", ".join(f"{name} {arg}" for name, arg in zip(self.fields, self.args, strict=True))
            return f"row({inner})"
        if self.name == "timestamptz":
            return f"timestamp({self.params[0]}) with time zone"
        inner = ", ".join(map(str, self.args)) or ",".join(map(str, self.params))
        return f"{self.name}({inner})" if inner else self.name


BOOLEAN: Final = Type("boolean")
TINYINT: Final = Type("tinyint")
SMALLINT: Final = Type("smallint")
INTEGER: Final = Type("integer")
BIGINT: Final = Type("bigint")
REAL: Final = Type("real")
DOUBLE: Final = Type("double")
VARCHAR: Final = Type("varchar")
VARBINARY: Final = Type("varbinary")
DATE: Final = Type("date")
TIME: Final = Type("time")
JSON: Final = Type("json")
UUID: Final = Type("uuid")
UNKNOWN: Final = Type("unknown")
DAY_TO_SECOND: Final = Type("interval day to second")
YEAR_TO_MONTH: Final = Type("interval year to month")

INTEGERS: Final = ("tinyint", "smallint", "integer", "bigint")
NUMBERS: Final = (*INTEGERS, "decimal", "real", "double")
INTERVALS: Final = (DAY_TO_SECOND.name, YEAR_TO_MONTH.name)
INTEGER_DIGITS: Final = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
DATETIMES: Final = ("date", "timestamp", "timestamptz")

_DUCKDB: Final = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    # DuckDB's own type forgets the zone, which Trino carries with every value.
    "timestamptz": "STRUCT(utc TIMESTAMP, zone VARCHAR)",
    "json": "JSON",
    "uuid": "UUID",
    "unknown": "INTEGER",
    DAY_TO_SECOND.name: "INTERVAL",
    YEAR_TO_MONTH.name: "INTERVAL",
}


def decimal(precision: int, scale: int) -> Type:
    """Return ``decimal(precision, scale)``, its precision cut at 38 as Trino does."""
    return Type("decimal", (min(precision, MAX_DECIMAL), scale))


def timestamp(precision: int = 3) -> Type:
    """Return ``timestamp(precision)``."""
    return Type("timestamp", (precision,))


def timestamptz(precision: int = 3) -> Type:
    """Return ``timestamp(precision) with time zone``."""
    return Type("timestamptz", (precision,))


def varchar(length: int) -> Type:
    """Return ``varchar(length)``."""
    return Type("varchar", (length,))


def array(element: Type) -> Type:
    """Return ``array(element)``."""
    return Type("array", args=(element,))


def map_of(key: Type, value: Type) -> Type:
    """Return ``map(key, value)``."""
    return Type("map", args=(key, value))


def row(fields: Iterable[tuple[str | None, Type]]) -> Type:
    """Return a row type; fields without a name are named by position."""
    pairs = tuple(fields)
    names = tuple(name if name else f"field{i}" for i, (name, _) in enumerate(pairs))
    return Type("row", args=tuple(type_ for _, type_ in pairs), fields=names)


def quote(identifier: str) -> str:
    """Quote an identifier for DuckDB."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string literal for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def duckdb_type(type_: Type) -> str:
    """Return the DuckDB type that holds values of ``type_``."""
    match type_.name:
        case "decimal":
            return f"DECIMAL({type_.params[0]},{type_.params[1]})"
        case "array":
            return f"{duckdb_type(type_.args[0])}[]"
        case "map":
            return f"MAP({duckdb_type(type_.args[0])}, {duckdb_type(type_.args[1])})"
        case "row":
            pairs = zip(type_.fields, type_.args, strict=True)
            return f"STRUCT({', '.join(f'{quote(n)} {duckdb_type(t)}' for n, t in pairs)})"
        case name:
            return _DUCKDB[name]


def as_decimal(type_: Type) -> Type:
    """Return the decimal that holds every value of an exact number type."""
    return type_ if type_.name == "decimal" else decimal(INTEGER_DIGITS[type_.name], 0)


def common_type(left: Type, right: Type) -> Type | None:
    """Return the type to which Trino converts both, or ``None`` when there is none."""
    if left == right or right == UNKNOWN:
        return left
    if left == UNKNOWN:
        return right
    if left.name in NUMBERS and right.name in NUMBERS:
        return _common_number(left, right)
    if left.name in DATETIMES and right.name in DATETIMES:
        return _common_datetime(left, right)
    if {left.name, right.name} <= {"varchar", "char"}:
        return _common_text(left, right)
    if left.name == right.name and left.name in ("array", "map", "row"):
        return _common_nested(left, right)
    return None


def _common_number(left: Type, right: Type) -> Type:
    widest = max(left.name, right.name, key=NUMBERS.index)
    if widest != "decimal":
        return Type(widest)
    (p1, s1), (p2, s2) = as_decimal(left).params, as_decimal(right).params
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + scale, scale)


def _common_datetime(left: Type, right: Type) -> Type:
    widest = max(left.name, right.name, key=DATETIMES.index)
    return Type(widest, (max([*left.params, *right.params], default=0),))


def _common_text(left: Type, right: Type) -> Type:
    if not left.params or not right.params:
        return VARCHAR
    name = "char" if left.name == right.name == "char" else "varchar"
    return Type(name, (max(left.params[0], right.params[0]),))


def _common_nested(left: Type, right: Type) -> Type | None:
    if len(left.args) != len(right.args):
        return None
    args = [common_type(a, b) for a, b in zip(left.args, right.args, strict=True)]
    if any(arg is None for arg in args):
        return None
    return Type(left.name, args=tuple(arg for arg in args if arg is not None), fields=left.fields)


def converts(source: Type, target: Type) -> bool:
    """Whether Trino converts ``source`` to ``target`` without being asked."""
    if target.name == "decimal" and source.name in (*INTEGERS, "decimal"):
        return True
    if target.name == "varchar" and source.name in ("varchar", "char"):
        return True
    common = common_type(source, target)
    return common is not None and common.name == target.name


def result_name(type_: Type) -> str:
    """Return the name that Athena's ResultSetMetadata uses for a type."""
    return "timestamp with time zone" if type_.name == "timestamptz" else type_.name
