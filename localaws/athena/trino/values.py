"""Trino's types and values, from the JSON of its protocol to what the DuckDB engine gives."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from localaws.athena.failure import NotSupportedError
from localaws.athena.sql import types as t
from localaws.athena.sql.types import Type

Reader = Callable[[Any], Any]
_UNBOUNDED: Final = 2**31 - 1
_MICROSECONDS: Final = 6
_INTERVAL: Final = re.compile(r"(-?)(\d+) (\d+):(\d+):(\d+)\.(\d{3})")
_MONTHS: Final = re.compile(r"(-?)(\d+)-(\d+)")


def type_of(signature: dict[str, Any]) -> Type:
    """Return the type that a ``typeSignature`` describes.

    Raises
    ------
    NotSupportedError
        When Athena has no such type, or results cannot hold it.
    """
    name, arguments = signature["rawType"].lower(), signature["arguments"]
    values = [argument["value"] for argument in arguments]
    match name:
        case "row":
            return t.row((_field_name(value), type_of(value["typeSignature"])) for value in values)
        case "array" | "map":
            return Type(name, args=tuple(map(type_of, values)))
        case "timestamp" | "timestamp with time zone":
            return _timestamp(name, values[0])
        case "time":
            return t.TIME
        case "varchar" if values[0] == _UNBOUNDED:
            return t.VARCHAR
        case "varchar" | "char" | "decimal":
            return Type(name, tuple(values))
        case _ if name in _READERS:
            return Type(name)
    raise NotSupportedError(f"type {name} in a result of Trino")


def _field_name(value: dict[str, Any]) -> str | None:
    name = value.get("fieldName")
    return None if name is None else str(name["name"])


def _timestamp(name: str, precision: int) -> Type:
    if precision > _MICROSECONDS:
        raise NotSupportedError(f"precision {precision} of {name} in a result of Trino")
    return t.timestamp(precision) if name == "timestamp" else t.timestamptz(precision)


def arrow_type(type_: Type) -> pa.DataType:
    """Return the Arrow type in which the engine hands values on."""
    match type_.name:
        case "decimal":
            return pa.decimal128(*type_.params)
        case "array":
            return pa.list_(arrow_type(type_.args[0]))
        case "map":
            return pa.map_(arrow_type(type_.args[0]), arrow_type(type_.args[1]))
        case "row":
            return pa.struct([(n, arrow_type(arg)) for n, arg in zip(type_.fields, type_.args, strict=True)])
        case name:
            return _ARROW[name]


def reader(type_: Type) -> Reader:
    """Return what turns JSON values of a type into Arrow's."""
    match type_.name:
        case "array":
            item = reader(type_.args[0])
            return _nullable(lambda values: [item(value) for value in values])
        case "map":
            key, entry = _key_reader(type_.args[0]), reader(type_.args[1])
            return _nullable(lambda pairs: [(key(k), entry(v)) for k, v in pairs.items()])
        case "row":
            readers = [reader(arg) for arg in type_.args]
            return _nullable(
                lambda values: {
                    name: read(value) for name, read, value in zip(type_.fields, readers, values, strict=True)
                }
            )
        case name:
            return _nullable(_READERS[name])


def _nullable(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _key_reader(type_: Type) -> Reader:
    """Return what reads a map's keys, which JSON has as text only."""
    if type_.name in t.INTEGERS:
        return int
    if type_.name == "boolean":
        return lambda text: bool(text == "true")
    if type_.args:
        raise NotSupportedError(f"a map whose keys are {type_} in a result of Trino")
    return reader(type_)


def _unchanged(value: Any) -> Any:
    return value


def _zoned(text: str) -> dict[str, Any]:
    moment, _, zone = text.rpartition(" ")
    # An offset stands for itself; a name is looked up.
    tz = datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").tzinfo if zone[0] in "+-" else ZoneInfo(zone)
    local = datetime.fromisoformat(moment).replace(tzinfo=tz)
    return {"utc": local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None), "zone": zone}


def _interval(text: str) -> pa.MonthDayNano:
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError(f"Trino sent {text!r} as an interval day to second")
    sign = -1 if match[1] else 1
    days, hours, minutes, seconds, milliseconds = map(int, match.groups()[1:])
    thousandths = ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
    return pa.MonthDayNano([0, sign * days, sign * thousandths * 1_000_000])


def _months(text: str) -> pa.MonthDayNano:
    match = _MONTHS.fullmatch(text)
    if match is None:
        raise ValueError(f"Trino sent {text!r} as an interval year to month")
    months = int(match[2]) * 12 + int(match[3])
    return pa.MonthDayNano([-months if match[1] else months, 0, 0])


_READERS: Final[dict[str, Reader]] = {
    "unknown": _unchanged,
    "boolean": _unchanged,
    "tinyint": _unchanged,
    "smallint": _unchanged,
    "integer": _unchanged,
    "bigint": _unchanged,
    # NaN and the infinities come as text
    "real": float,
    "double": float,
    "decimal": Decimal,
    "varchar": _unchanged,
    "char": _unchanged,
    "json": _unchanged,
    "uuid": _unchanged,
    "varbinary": base64.b64decode,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamptz": _zoned,
    t.DAY_TO_SECOND.name: _interval,
    t.YEAR_TO_MONTH.name: _months,
}

_ARROW: Final = {
    "unknown": pa.int32(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "char": pa.string(),
    "json": pa.string(),
    "uuid": pa.string(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.struct([("utc", pa.timestamp("us")), ("zone", pa.string())]),
    t.DAY_TO_SECOND.name: pa.month_day_nano_interval(),
    t.YEAR_TO_MONTH.name: pa.month_day_nano_interval(),
}
