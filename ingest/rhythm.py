"""How sending is spread over a span: busy hours and quiet ones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

_HOUR = timedelta(hours=1)


def spread(
    start: datetime, end: datetime, events: int, rhythm: Sequence[float]
) -> Callable[[float], datetime]:
    """Return a function from a place among all events, 0 to ``events``, to its instant.

    Parameters
    ----------
    start, end
        The span, UTC.
    events
        How many there are.
    rhythm
        How busy each of the day's 24 hours is, each above 0; empty if all are alike.
    """
    if not rhythm:
        between = (end - start) / events
        return lambda place: start + place * between
    edges = _hours(start, end)
    weights = (rhythm[edge.hour] * ((until - edge) / _HOUR) for edge, until in pairwise(edges))
    sums = list(accumulate(weights, initial=0.0))

    def instant(place: float) -> datetime:
        due = place / events * sums[-1]
        hour = min(bisect_right(sums, due), len(edges) - 1) - 1
        within = (due - sums[hour]) / (sums[hour + 1] - sums[hour])
        return edges[hour] + within * (edges[hour + 1] - edges[hour])

    return instant


def _hours(start: datetime, end: datetime) -> list[datetime]:
    """Return the span's start, every full hour inside, and its end."""
    first = start.replace(minute=0, second=0, microsecond=0) + _HOUR
    count = max(0, -((first - end) // _HOUR))
    return [start, *(first + number * _HOUR for number in range(count)), end]
