"""Where things stand in a JSON file, so that an error can name the line."""

from __future__ import annotations

import json
import re
from bisect import bisect
from typing import NamedTuple

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()

Location = tuple[int | str, ...]


class Place(NamedTuple):
    """A value of a JSON document, and the line on which it (or its key) begins."""

    location: Location
    line: int


class JsonLines:
    """The line of every value in a JSON text.

    Parameters
    ----------
    text
        Valid JSON.

    Attributes
    ----------
    duplicates
        Keys that an object gives twice; JSON parsers keep the last and say nothing.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Location, int] = {}
        self._position = 0
        self.duplicates: list[Place] = []
        self._value(())

    def nearest(self, location: Location) -> Location:
        """Return the location itself if the text has a value there, else the nearest one around it."""
        while location not in self._lines:
            location = location[:-1]
        return location

    def line_of(self, location: Location) -> int:
        """Return the line of a value, or of the nearest one around it that there is."""
        return self._lines[self.nearest(location)]

    def _value(self, location: Location) -> None:
        opening = self._peek()
        self._lines.setdefault(location, self._line())
        if opening == "{":
            self._object(location)
        elif opening == "[":
            self._array(location)
        else:
            self._scalar()

    def _object(self, location: Location) -> None:
        keys: set[str] = set()
        self._position += 1
        while self._peek() != "}":
            line = self._line()
            key = str(self._scalar())
            if key in keys:
                self.duplicates.append(Place((*location, key), line))
            keys.add(key)
            self._lines[*location, key] = line
            self._skip(":")
            self._value((*location, key))
            self._skip(",")
        self._position += 1

    def _array(self, location: Location) -> None:
        index = 0
        self._position += 1
        while self._peek() != "]":
            self._value((*location, index))
            self._skip(",")
            index += 1
        self._position += 1

    def _scalar(self) -> object:
        value, self._position = _DECODER.raw_decode(self._text, self._position)
        return value

    def _skip(self, separator: str) -> None:
        if self._peek() == separator:
            self._position += 1

    def _peek(self) -> str:
        """Go to the next character that is not blank and return it."""
        blank = _BLANK.match(self._text, self._position)
        self._position = blank.end() if blank else self._position
        return self._text[self._position]

    def _line(self) -> int:
        return bisect(self._breaks, self._position) + 1
