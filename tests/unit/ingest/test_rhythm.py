from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rhythm import spread

START = datetime(2026, 11, 19, tzinfo=UTC)
rhythms = st.one_of(st.just([]), st.lists(st.floats(0.1, 50), min_size=24, max_size=24))


@given(
    rhythm=rhythms,
    start_s=st.integers(0, 90_000),
    length_s=st.integers(1, 200_000),
    events=st.integers(1, 50),
)
def test_events_stay_in_order_and_within_the_span(
    rhythm: list[float], start_s: int, length_s: int, events: int
) -> None:
    start = START + timedelta(seconds=start_s)
    end = start + timedelta(seconds=length_s)
    instant = spread(start, end, events, rhythm)
    instants = [instant(place / 4) for place in range(4 * events + 1)]
    assert all(one <= following for one, following in pairwise(instants))
    assert abs(instants[0] - start) < timedelta(milliseconds=1)
    assert abs(instants[-1] - end) < timedelta(milliseconds=1)


def test_an_hour_gets_as_much_as_its_weight_says() -> None:
    instant = spread(START, START + timedelta(days=1), 2500, [1] * 12 + [100 / 12 - 1] * 6 + [1, 2] * 3)
    hours = Counter(instant(place + 0.5).hour for place in range(2500))
    weights = [1] * 12 + [100 / 12 - 1] * 6 + [1, 2] * 3
    for hour, weight in enumerate(weights):
        assert hours[hour] == pytest.approx(2500 * weight / sum(weights), abs=1)
