"""How many keys JSON records have, at most, told at memory speed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_COLON, _QUOTE, _SPACE = b':" '
UNKNOWN = -1


def most_keys(text: bytes, bounds: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return for each record a number that its keys, nested ones included, do not exceed.

    A key ends in a quote and a colon. What else does, such as a text that begins with a colon, makes the
    number too large. A key with white space before its colon would be missed, so the number of a
    record with white space before any colon is ``UNKNOWN``.

    Parameters
    ----------
    bounds
        Record ``i`` is ``text[bounds[i]:bounds[i + 1]]``.
    """
    chars = np.frombuffer(text, dtype=np.uint8)
    colons = np.flatnonzero(chars == _COLON)
    before = chars[colons - 1]
    numbers = np.diff(np.searchsorted(colons[before == _QUOTE], bounds)).astype(np.int32)
    spaced = colons[before <= _SPACE]
    if spaced.size:
        numbers[np.searchsorted(bounds, spaced, side="right") - 1] = UNKNOWN
    return numbers
