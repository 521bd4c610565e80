"""JSON tables: each line's first value is a row, as the OpenX and Hive SerDes read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.types import Type
from localaws.athena.tables.spooled import RowObject, RowReading, lines_of


def json_rows(item: RowObject, wanted: RowReading) -> Iterator[list[Any]]:
    """Yield the rows of an object, each the values of the wanted fields."""
    decoder = json.JSONDecoder(parse_float=Decimal)
    keys = [(field, wanted.serde.get(f"mapping.{field.name}", field.name).lower()) for field in wanted.fields]
    skips_malformed = wanted.serde.get("ignore.malformed.json", "false").lower() == "true"
    for number, line in lines_of(item):
        text = line.strip()
        if not text:
            continue
        try:
            record = _record(decoder, text)
        except ValueError as error:
            if skips_malformed:
                yield [None] * len(keys)
                continue
            raise QueryError(
                "HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object - {error} ({item.uri}, line {number})"
            ) from error
        where = f"{item.uri}, line {number}"
        yield [_converted(record.get(key), field.type, field.name, where) for field, key in keys]


def _record(decoder: json.JSONDecoder, text: str) -> dict[str, Any]:
    # Hive's SerDes stop after the first value of a line
    value, _ = decoder.raw_decode(text)
    if not isinstance(value, dict):
        raise ValueError(f"a {type(value).__name__} is none")
    return {key.lower(): item for key, item in value.items()}


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
