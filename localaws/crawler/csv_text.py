"""CSV as Glue's built-in classifier knows it: a delimiter that every line agrees on, and perhaps a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from localaws.crawler.types import HiveType, merge

_DELIMITERS = (",", "|", "\t", ";", "\x01")
_FEWEST_LINES = 2
_LONGEST_NAME = 150
_NAME = re.compile(r"[^\W\d][\w .-]*")
_UNSAFE = re.compile(r"[^a-z0-9_]")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class CsvText:
    """What a sample of CSV says.

    Parameters
    ----------
    delimiter
        Between cells.
    has_header
        Whether the first line names the columns.
    columns
        The columns, in order.
    rows
        How many rows the sample has.
    """

    delimiter: str
    has_header: bool
    columns: dict[str, HiveType]
    rows: int

    @property
    def parameters(self) -> dict[str, str]:
        """What Glue writes beside the columns."""
        header = {"skip.header.line.count": "1"} if self.has_header else {}
        return {"areColumnsQuoted": "false", "columnsOrdered": "true", "delimiter": self.delimiter, **header}


def read_csv_text(text: str) -> CsvText | None:
    """Return what complete lines of CSV say, or ``None`` when they are no table of two columns and rows."""
    lines = [line for line in text.splitlines() if line]
    for delimiter in _DELIMITERS:
        rows = [line.split(delimiter) for line in lines]
        widths = {len(row) for row in rows}
        if len(rows) >= _FEWEST_LINES and len(widths) == 1 and widths.pop() > 1:
            return _described(delimiter, rows)
    return None


def _described(delimiter: str, rows: list[list[str]]) -> CsvText:
    first, *others = rows
    types = _types(others)
    # Where all is text, the first line differs from the others in nothing.
    if _could_be_header(first) and any(each != "string" for each in types):
        names = [_UNSAFE.sub("_", cell.strip().lower()) or f"col{i}" for i, cell in enumerate(first)]
        if len(set(names)) == len(names):
            return CsvText(delimiter, True, dict(zip(names, types, strict=True)), len(others))
    columns = {f"col{i}": each for i, each in enumerate(_types(rows))}
    return CsvText(delimiter, False, columns, len(rows))


def _could_be_header(cells: Sequence[str]) -> bool:
    *named, last = cells
    return all(
        len(cell) <= _LONGEST_NAME and _NAME.fullmatch(cell.strip())
        for cell in (*named, *filter(None, [last]))
    )


def _types(rows: Sequence[Sequence[str]]) -> list[HiveType]:
    return [_merged(cells) for cells in zip(*rows, strict=True)]


def _merged(cells: Sequence[str]) -> HiveType:
    found: HiveType = "unknown"
    for cell in cells:
        found = merge(found, _of_cell(cell.strip()))
    return "string" if found == "unknown" else found


def _of_cell(cell: str) -> HiveType:
    if not cell:
        return "unknown"
    if _WHOLE.fullmatch(cell):
        return "bigint"
    return "double" if _DECIMAL.fullmatch(cell) else "string"
