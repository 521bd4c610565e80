"""Reading a stretch of bytes that is not clean JSON: nothing lost, neighbours kept.

The scan reads JSON values where it can. Where it cannot, it looks for the next place where a
record begins and refuses the bytes in between as a fragment. Every byte ends up in a record, a
separator or a fragment, and the work is bounded whatever the bytes are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

MALFORMED = "malformed_json"
INVALID_UTF8 = "invalid_utf8"
NOT_AN_OBJECT = "not_an_object"

_SEPARATORS = re.compile(r"(?:[ \t\r\n,\x1e]|\\n|\xef\xbb\xbf)*")
_RECORD_START = re.compile(r'\{\s*["}]')
_VALUE_START = frozenset('{["-0123456789tfn')
_NESTED_AFTER = frozenset(":,[")
_WORK_FACTOR = 32
_MIN_WORK = 1 << 20
_WINDOWS = (1 << 10, 1 << 14, 1 << 18)
# A literal or an escape that a window's end cut short fails at most this far before it.
_LONGEST_TOKEN = 16


@dataclass(frozen=True)
class Span:
    """A stretch of bytes: a record if ``reason`` is None, else a refused fragment."""

    start: int
    end: int
    reason: str | None = None


def salvage(data: bytes) -> list[Span]:
    """Return the records and fragments of ``data`` in order; what lies between them is separators."""
    return list(_Scan(data).spans())


class _Scan:
    def __init__(self, data: bytes) -> None:
        self._data = data
        # One character a byte, so that positions are byte offsets.
        self._text = data.decode("latin-1")
        self._decoder = json.JSONDecoder()
        self._work_left = _WORK_FACTOR * len(data) + _MIN_WORK

    def spans(self) -> Iterator[Span]:
        position = self._skip(0)
        while position < len(self._text):
            end = self._value_end(position)
            if end is None:
                end = self._next_start(position)
                yield Span(position, self._trimmed(position, end), self._refusal(position, end))
            else:
                yield from self._value(position, end)
            position = self._skip(end)

    def _skip(self, position: int) -> int:
        match = _SEPARATORS.match(self._text, position)
        return match.end() if match else position

    def _trimmed(self, start: int, end: int) -> int:
        return start + len(self._data[start:end].rstrip(b" \t\r\n"))

    def _decode_end(self, position: int) -> int | None:
        """Return where the JSON value at ``position`` ends, or None if there is none.

        It is read in windows, because a failed attempt costs as much as the text it is given.
        """
        if self._text[position] not in _VALUE_START:
            return None
        for window_chars in (*_WINDOWS, len(self._text)):
            window = self._text[position : position + window_chars]
            whole = position + len(window) == len(self._text)
            end, reached = self._attempt(window)
            self._work_left -= reached
            if self._work_left <= 0:
                return None
            if whole or reached < len(window) - _LONGEST_TOKEN:
                return None if end is None else position + end
        return None

    def _attempt(self, window: str) -> tuple[int | None, int]:
        """Return the end of the value that ``window`` begins with, if any, and how far it was read."""
        try:
            end = self._decoder.raw_decode(window)[1]
        except json.JSONDecodeError as error:
            return None, len(window) if error.msg.startswith("Unterminated string") else error.pos + 1
        except RecursionError:
            return None, len(window)
        return end, end

    def _value_end(self, position: int) -> int | None:
        """Return where the top-level value at ``position`` ends; something must set a bare value off."""
        end = self._decode_end(position)
        if end is None or self._text[position] in "{[" or end == len(self._text):
            return end
        return end if self._skip(end) > end or self._text[end] in "{[" else None

    def _value(self, start: int, end: int) -> Iterator[Span]:
        if self._text[start] == "[":
            elements = list(self._elements(start, end))
            if any(self._text[element.start] == "{" for element in elements):
                yield from elements
                return
        yield self._checked(start, end)

    def _elements(self, start: int, end: int) -> Iterator[Span]:
        """Yield the elements of the valid array at ``start``."""
        position = self._skip(start + 1)
        while position < end - 1:
            element_end = self._decoder.raw_decode(self._text, position)[1]
            yield self._checked(position, element_end)
            position = self._skip(element_end)

    def _checked(self, start: int, end: int) -> Span:
        if self._text[start] != "{":
            return Span(start, end, NOT_AN_OBJECT)
        try:
            orjson.loads(self._data[start:end])
        except orjson.JSONDecodeError:
            return Span(start, end, self._refusal(start, end))
        return Span(start, end)

    def _refusal(self, start: int, end: int) -> str:
        try:
            self._data[start:end].decode("utf-8")
        except UnicodeDecodeError:
            return INVALID_UTF8
        return MALFORMED

    def _next_start(self, position: int) -> int:
        """Return where a record may begin after the broken one at ``position``, or the end."""
        for match in _RECORD_START.finditer(self._text, position + 1):
            if self._work_left <= 0:
                break
            if self._begins_record(match.start()):
                return match.start()
        return len(self._text)

    def _begins_record(self, position: int) -> bool:
        before = self._text[max(0, position - 64) : position].rstrip()
        if before[-1:] not in _NESTED_AFTER:
            return True
        # An object in a value's place is nested, unless another record or nothing follows it.
        end = self._decode_end(position)
        if end is None:
            return False
        following = self._skip(end)
        return following == len(self._text) or self._text[following] == "{"
