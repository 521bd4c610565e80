"""Cutting an object's bytes into pieces of one JSON object each, at memory speed.

``}`` followed by ``{`` never occurs inside valid JSON except in a text, so cutting between them
is right for almost every object and costs almost nothing. Whether each piece is valid JSON is
checked afterwards; pieces that are not go to :mod:`firelake.raw.salvage`, with their neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_OPEN, _CLOSE, _BACKSLASH, _LOWER_N, _SPACE = b"{}\\n "
_BOM = b"\xef\xbb\xbf"
_JSON_SPACE = b" \t\r\n"
_WHITESPACE = np.zeros(256, dtype=bool)
_WHITESPACE[list(_JSON_SPACE)] = True
# More separators in a row than this are left to salvage.
_MAX_SEPARATORS = 64
# Looked at together, and one by one only if something in them is wrong.
_UTF8_WINDOW_BYTES = 1 << 16


@dataclass(frozen=True)
class Cut:
    """Pieces of an object's bytes.

    Parameters
    ----------
    text
        The bytes, with separators that JSON does not know (a BOM, a literal backslash-n) blanked.
    bounds
        Piece ``i`` is ``text[bounds[i]:bounds[i + 1]]``, trailing white space included; n + 1 offsets.
    suspects
        Pieces that are certainly not one JSON object each.
    """

    text: bytes
    bounds: NDArray[np.int64]
    suspects: frozenset[int]

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return len(self.bounds) - 1


def cut(data: bytes) -> Cut:
    """Cut an object's bytes between ``}`` and ``{``."""
    if data.startswith(_BOM):
        data = b" " * len(_BOM) + data[len(_BOM) :]
    chars = np.frombuffer(data, dtype=np.uint8)
    starts, text = _starts(data, chars)
    first = len(text) - len(text.lstrip(_JSON_SPACE))
    if first == len(text):
        return Cut(text, np.array([first], dtype=np.int64), frozenset())
    bounds = np.concatenate(([first], starts, [len(text)])).astype(np.int64, copy=False)
    suspects = set(_invalid_utf8(text, bounds))
    if text[first] != _OPEN:
        suspects.add(0)
    if not text.rstrip(_JSON_SPACE).endswith(b"}"):
        suspects.add(len(bounds) - 2)
    return Cut(text, bounds, frozenset(suspects))


def _starts(data: bytes, chars: NDArray[np.uint8]) -> tuple[NDArray[np.int64], bytes]:
    """Return the offsets of each ``{`` that follows a ``}``, and the bytes with separators blanked."""
    ahead = np.flatnonzero(chars == _CLOSE) + 1
    found: list[NDArray[np.int64]] = []
    blank: list[NDArray[np.int64]] = []
    for _ in range(_MAX_SEPARATORS):
        ahead = ahead[ahead < len(chars)]
        if not ahead.size:
            break
        nxt = chars[ahead]
        found.append(ahead[nxt == _OPEN])
        foreign = ahead[(nxt == _BACKSLASH) | (nxt == _BOM[0])]
        skipped, resume = _foreign_separators(chars, foreign)
        blank.append(skipped)
        ahead = np.concatenate((ahead[_WHITESPACE[nxt]] + 1, resume))
    found = [part for part in found if part.size]
    starts = np.concatenate([*found, np.empty(0, dtype=np.int64)])
    positions = np.concatenate(blank) if blank else np.empty(0, dtype=np.int64)
    # Separators of one length and kind, as nearly all objects have, leave them in order.
    if len(found) > 1 or positions.size:
        starts.sort()
    return starts, _blanked(data, positions)


def _foreign_separators(
    chars: NDArray[np.uint8], at: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bytes to blank and the offsets behind each foreign separator that begins at ``at``."""
    if not at.size:
        return at, at
    two = at[at + 1 < len(chars)]
    newline = two[(chars[two] == _BACKSLASH) & (chars[two + 1] == _LOWER_N)]
    three = at[at + 2 < len(chars)]
    bom = three[(chars[three] == _BOM[0]) & (chars[three + 1] == _BOM[1]) & (chars[three + 2] == _BOM[2])]
    skipped = np.concatenate((newline, newline + 1, bom, bom + 1, bom + 2))
    return skipped, np.concatenate((newline + 2, bom + 3))


def _blanked(data: bytes, positions: NDArray[np.int64]) -> bytes:
    if not positions.size:
        return data
    copy = np.frombuffer(data, dtype=np.uint8).copy()
    copy[positions] = _SPACE
    return copy.tobytes()


def _invalid_utf8(text: bytes, bounds: NDArray[np.int64]) -> list[int]:
    """Return the pieces that are not valid UTF-8."""
    if text.isascii():
        return []
    ends = np.searchsorted(bounds, np.arange(bounds[0], bounds[-1], _UTF8_WINDOW_BYTES))
    return [
        number
        for first, last in pairwise(np.unique(np.append(ends, len(bounds) - 1)).tolist())
        if not _is_utf8(text[bounds[first] : bounds[last]])
        for number in range(first, last)
        if not _is_utf8(text[bounds[number] : bounds[number + 1]])
    ]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
