"""Tables of delimited text: LazySimpleSerDe, Hive's own, and OpenCSVSerde, which knows quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.types import Type
from localaws.athena.tables.spooled import RowObject, RowReading, lines_of

_NULL: Final = "\\N"
_DELIMITER: Final = "\x01"
_RANGES: Final = {"tinyint": 2**7, "smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(NaN|Infinity)")

Cells = list[str | None]


def delimited_rows(item: RowObject, wanted: RowReading) -> Iterator[list[Any]]:
    """Yield the rows that LazySimpleSerDe reads; what does not parse as its column's type is NULL."""
    if "escape.delim" in wanted.serde:
        raise NotSupportedError("ESCAPED BY in a table of delimited text")
    delimiter = wanted.serde.get("field.delim") or wanted.serde.get("serialization.format") or _DELIMITER
    # Hive's default is written as the number of the character
    delimiter = _DELIMITER if delimiter == "1" else delimiter
    null = wanted.serde.get("serialization.null.format", _NULL)
    converters = [_lenient(field.type) for field in wanted.fields]
    positions = [wanted.columns.index(field.name) for field in wanted.fields]
    for number, line in lines_of(item):
        if number > wanted.header_lines:
            cells: Cells = [None if cell == null else cell for cell in line.rstrip("\n").split(delimiter)]
            yield [convert(_at(cells, i)) for convert, i in zip(converters, positions, strict=True)]


def csv_rows(item: RowObject, wanted: RowReading) -> Iterator[list[Any]]:
    """Yield the rows that OpenCSVSerde reads: a line is a row, and no cell is NULL but a missing one."""
    quote = wanted.serde.get("quoteChar", '"')
    separator = wanted.serde.get("separatorChar", ",")
    escape = _other(wanted.serde.get("escapeChar", "\\"), quote)
    converters = [_strict(field.name, field.type, item.uri) for field in wanted.fields]
    positions = [wanted.columns.index(field.name) for field in wanted.fields]
    for number, line in lines_of(item):
        if number <= wanted.header_lines:
            continue
        # line by line: a quote that is not closed ends with its line
        cells = next(
            csv.reader([line.rstrip("\n")], delimiter=separator, quotechar=quote, escapechar=escape), []
        )
        yield [convert(_at(cells, i)) for convert, i in zip(converters, positions, strict=True)]


def _other(escape: str, quote: str) -> str | None:
    return None if escape == quote else escape


def _at(cells: Sequence[str | None], position: int) -> str | None:
    return cells[position] if position < len(cells) else None


def _lenient(type_: Type) -> Callable[[str | None], Any]:
    parse = _parser(type_)

    def convert(cell: str | None) -> Any:
        if cell is None:
            return None
        try:
            return parse(cell)
        except (ValueError, InvalidOperation):
            return None

    return convert


def _strict(name: str, type_: Type, uri: str) -> Callable[[str | None], Any]:
    if type_.name not in ("varchar", "boolean", "integer", "bigint", "double"):
        raise NotSupportedError(f"column {name} of type {type_} in a CSV table")
    parse = _parser(type_)

    def convert(cell: str | None) -> Any:
        if cell is None:
            return None
        try:
            return parse(cell)
        except ValueError as error:
            raise QueryError(
                "HIVE_BAD_DATA", f"Error parsing field value '{cell}' for field {name}: not a {type_} ({uri})"
            ) from error

    return convert


def _parser(type_: Type) -> Callable[[str], Any]:
    match type_.name:
        case "varchar":
            length = type_.params[0] if type_.params else None
            return lambda text: text[:length]
        case "boolean":
            return _boolean
        case name if name in t.INTEGERS:
            return lambda text: _integer(text, name)
        case "real" | "double":
            return _double
        case "decimal":
            unit = Decimal(1).scaleb(-type_.params[1])
            return lambda text: Decimal(text).quantize(unit)
        case "date":
            return date.fromisoformat
        case "timestamp":
            return datetime.fromisoformat
        case _:
            raise NotSupportedError(f"a column of type {type_} in a table of delimited text")


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is no boolean")
    return text.lower() == "true"


def _integer(text: str, name: str) -> int:
    number = int(text)
    if not -_RANGES[name] <= number < _RANGES[name]:
        raise ValueError(f"{text} is no {name}")
    return number


def _double(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no number")
    return float(text)
