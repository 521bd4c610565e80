from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import SystemRandom
from types import TracebackType
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.pace import RealTime
from ingest.sender import Sender
from ingest.simulate import simulate
from tests.unit.ingest.campaigns import START, campaign, count_outcomes, flat


@dataclass
class PlayedStream:
    """A clock that is moved, and a stream that writes an object whenever it was."""

    step: timedelta
    now: datetime = START
    objects: dict[datetime, bytes] = field(default_factory=dict)
    ended: bool = False

    def reach(self, instant: datetime) -> None:
        assert instant >= self.now
        self.now = instant

    def put_record_batch(self, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> Any:  # noqa: N803
        written = b"".join(record["Data"] for record in Records)
        self.objects[self.now] = self.objects.get(self.now, b"") + written
        return {"FailedPutCount": 0, "RequestResponses": [{} for _ in Records]}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = True


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), minutes=st.integers(1, 30))
def test_every_days_objects_hold_what_it_says_it_sent_that_day_whatever_the_step(
    seed: int, minutes: int
) -> None:
    stream, told = PlayedStream(timedelta(minutes=minutes)), list[int]()
    sender = Sender("stream", stream, SystemRandom())  # type: ignore[arg-type] # as much of it as is used
    wanted = campaign(records=120, seed=seed, hours=30)
    sent = simulate(wanted, sender, stream, lambda _, records: told.append(records))
    seen: set[str] = set()
    days: dict[str, Counter[str]] = {}
    for arrived_at, raw in stream.objects.items():
        day = f"{arrived_at:%Y-%m-%d}"
        days[day] = days.get(day, Counter()) + count_outcomes(raw, arrived_at, seen)
    assert days == {day: +flat(counts.model_dump()) for day, counts in sent.days_sent.items()}
    assert sent.bytes_sent == sum(map(len, stream.objects.values()))
    assert told[-1] == sent.firehose_records
    assert (stream.now, stream.ended) == (wanted.end, True)


def test_the_pace_is_ended_when_sending_fails() -> None:
    stream = PlayedStream(timedelta(minutes=20))
    sender = Sender("stream", None, SystemRandom())  # type: ignore[arg-type] # fails when used
    with pytest.raises(AttributeError):
        simulate(campaign(), sender, stream, lambda *_: None)
    assert stream.ended


def test_real_time_waits_for_what_is_to_come_and_not_for_what_has_passed() -> None:
    slept: list[float] = []
    pace = RealTime(sleep=slept.append, now=lambda: START)
    pace.reach(START + timedelta(seconds=2))
    pace.reach(START - timedelta(seconds=2))
    assert slept == [2, 0]
