"""Patterns of dates and times: MySQL's (date_format) and Joda's (format_datetime) to DuckDB's."""

from __future__ import annotations

import re
from typing import Final

from localaws.athena.failure import NotSupportedError

_MYSQL: Final = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I",
    "i": "%M", "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p",
    "S": "%S", "s": "%S", "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_JODA: Final = {
    "y": "%Y", "yy": "%y", "yyyy": "%Y", "Y": "%Y", "YYYY": "%Y", "M": "%-m", "MM": "%m", "MMM": "%b",
    "MMMM": "%B", "d": "%-d", "dd": "%d", "D": "%-j", "DDD": "%j", "E": "%a", "EE": "%a", "EEE": "%a",
    "EEEE": "%A", "e": "%u", "xxxx": "%G", "ww": "%V", "H": "%-H", "HH": "%H", "h": "%-I", "hh": "%I",
    "m": "%-M", "mm": "%M", "s": "%-S", "ss": "%S", "SSS": "%g", "SSSSSS": "%f", "a": "%p",
}  # fmt: skip
_JODA_TOKEN: Final = re.compile(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_UNPADDED: Final = re.compile(r"%-(\w)")


def mysql_format(pattern: str) -> str:
    """Return DuckDB's strftime pattern for one of ``date_format``."""
    return re.sub(r"%(.?)", _mysql_specifier, pattern, flags=re.DOTALL)


def _mysql_specifier(match: re.Match[str]) -> str:
    letter = match[1]
    if letter in "DUuVwX" or not letter:
        raise NotSupportedError(f"date format specifier %{letter}")
    # Trino takes an unknown specifier for the letter itself
    return _MYSQL.get(letter, letter)


def joda_format(pattern: str) -> str:
    """Return DuckDB's strftime pattern for one of ``format_datetime``."""
    pieces, at = [], 0
    while at < len(pattern):
        match = _JODA_TOKEN.match(pattern, at)
        if match is None:
            raise NotSupportedError(f"date pattern {pattern!r}")
        pieces.append(_joda_piece(match, pattern))
        at = match.end()
    return "".join(pieces)


def _joda_piece(match: re.Match[str], pattern: str) -> str:
    piece = match[0]
    if piece == "''":
        return "'"
    if match[1] is not None:
        return match[1].replace("''", "'").replace("%", "%%")
    if match[2] is None:
        return piece.replace("%", "%%")
    if piece not in _JODA:
        raise NotSupportedError(f"letter group {piece!r} of date pattern {pattern!r}")
    return _JODA[piece]


def for_parsing(pattern: str) -> str:
    """Return a pattern with DuckDB's unpadded specifiers made plain, as its parser wants them."""
    return _UNPADDED.sub(r"%\1", pattern)
