"""Values as Athena writes them into results."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from localaws.athena.sql.types import Type

Formatter = Callable[[Any], str]


def formatter(type_: Type) -> Formatter:
    """Return what writes the values of a type; NULL inside arrays, maps and rows is ``null``."""
    match type_.name:
        case "array":
            item = _nullable(type_.args[0])
            return lambda value: f"[{', '.join(map(item, value))}]"
        case "map":
            key, entry = map(_nullable, type_.args)
            return lambda value: "{" + ", ".join(f"{key(k)}={entry(v)}" for k, v in value) + "}"
        case "row":
            parts = [(name, _nullable(arg)) for name, arg in zip(type_.fields, type_.args, strict=True)]
            return lambda value: (
                "{" + ", ".join(f"{name}={write(value[name])}" for name, write in parts) + "}"
            )
        case "timestamp" | "timestamptz":
            digits = max(3, type_.params[0])
            write = _timestamp if type_.name == "timestamp" else _zoned
            return lambda value: write(value, digits)
        case name:
            return _SCALARS.get(name, str)


def _nullable(type_: Type) -> Formatter:
    write = formatter(type_)
    return lambda value: "null" if value is None else write(value)


def _timestamp(value: datetime, digits: int) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond:06d}"[:digits]


def _zoned(value: dict[str, Any], digits: int) -> str:
    moment, zone = value["utc"].replace(tzinfo=UTC), value["zone"]
    if zone[0] in "+-":
        local = moment.astimezone(datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").tzinfo)
    else:
        local = moment.astimezone(ZoneInfo(zone))
    return f"{_timestamp(local, digits)} {zone}"


def double_text(value: float) -> str:
    """Write a double as Java does: plain from 0.001 to ten million, else with an exponent."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if value == 0 or not isinstance(exponent, int):
        return "-0.0" if sign else "0.0"
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent
    body = _plain(text, point) if -3 < point <= 7 else f"{text[0]}.{text[1:] or '0'}E{point - 1}"
    return f"-{body}" if sign else body


def _plain(digits: str, point: int) -> str:
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    whole, fraction = digits[:point].ljust(point, "0"), digits[point:]
    return f"{whole}.{fraction or '0'}"


def _real(value: float) -> str:
    # the shortest text that reads back as the same 32 bits
    for precision in range(1, 10):
        short = float(f"{value:.{precision}g}")
        if struct.pack("f", short) == struct.pack("f", value):
            return double_text(short)
    return double_text(value)


def _interval(value: Any) -> str:
    _, days, nanoseconds = value
    total = days * 86_400_000 + nanoseconds // 1_000_000
    sign, total = ("-", -total) if total < 0 else ("", total)
    seconds, milliseconds = divmod(total, 1000)
    hours = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{sign}{seconds // 86_400} {hours}.{milliseconds:03d}"


def _year_month(value: Any) -> str:
    months = value[0]
    return f"{'-' if months < 0 else ''}{abs(months) // 12}-{abs(months) % 12}"


def _clock(value: time) -> str:
    return value.strftime("%H:%M:%S.") + f"{value.microsecond // 1000:03d}"


def _date(value: date) -> str:
    return value.isoformat()


def _decimal(value: Decimal) -> str:
    return f"{value:f}"


_SCALARS: Final[dict[str, Formatter]] = {
    "boolean": lambda value: "true" if value else "false",
    "real": _real,
    "double": double_text,
    "decimal": _decimal,
    "date": _date,
    "time": _clock,
    "varbinary": lambda value: " ".join(f"{byte:02x}" for byte in value),
    "interval day to second": _interval,
    "interval year to month": _year_month,
}
