"""A campaign: everything one simulated source sends over a span of time, decided by a seed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from firelake.errors import FirelakeError
from firelake.spec import Dataset

from ingest import breakage
from ingest.profile import Profile, Record
from ingest.records import Delivery, Item, Kind, encode
from ingest.rhythm import spread

_LATE_KINDS = (Kind.LATE, Kind.TOO_LATE, Kind.IN_FUTURE)
_LATE_WEIGHTS = (60, 20, 20)
_MALFORMED_KINDS = (*breakage.FRAGMENTS, Kind.WRONG_TYPE, Kind.MISSING_REQUIRED)
_UNKNOWN_FIELD_SHARE = 0.01
_RESENT_AT_ONCE_SHARE = 0.5
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Mix:
    """How much of what is sent is out of the ordinary.

    Parameters
    ----------
    duplicate
        Share of accepted records that are sent once more, at once or hours later.
    late
        Share of records whose event is late (most still accepted), or ahead of its time.
    malformed
        Share of records that are broken, or come with a broken fragment before them.
    late_up_to
        How late an accepted late event is at most.
    """

    duplicate: float = 0.02
    late: float = 0.02
    malformed: float = 0.01
    late_up_to: timedelta = timedelta(days=3)

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for name in ("duplicate", "late", "malformed"):
            if not 0 <= getattr(self, name) <= 1:
                raise FirelakeError(f"{name} share {getattr(self, name)}: write a number from 0 to 1")
        if self.late + self.malformed > 1 - _UNKNOWN_FIELD_SHARE:
            raise FirelakeError("late and malformed shares: together they leave no room for usual records")


FAULTS = {
    "none": Mix(duplicate=0, late=0, malformed=0),
    "some": Mix(),
    "many": Mix(duplicate=0.2, late=0.2, malformed=0.2),
}
"""Mixes by name."""


@dataclass(frozen=True)
class Campaign:
    """What is to be sent.

    Parameters
    ----------
    profile
        What the records look like.
    dataset
        The spec, which says how late and how early a record may be.
    start, end
        The span of sending, UTC, ``end`` excluded.
    records
        How many events are sent; duplicates and broken fragments come on top.
    seed
        Equal seeds (and spans) send equal bytes.
    mix
        How much is out of the ordinary.
    """

    profile: Profile
    dataset: Dataset
    start: datetime
    end: datetime
    records: int
    seed: int
    mix: Mix = Mix()

    def __post_init__(self) -> None:
        """Refuse what cannot be sent with a certain outcome."""
        if self.end <= self.start or self.records < 1:
            raise FirelakeError("nothing to send: --end must be after --start, and --records at least 1")
        if self.latest_accepted <= self.profile.usual_delay + _HOUR:
            raise FirelakeError(
                f"{self.dataset.name}: max_lateness {self.dataset.max_lateness} leaves no room for late "
                f"records beyond the usual delay of {self.profile.usual_delay}; raise it or --late-days"
            )

    @property
    def latest_accepted(self) -> timedelta:
        """How late a late record is at most: far enough from the limit to be accepted for certain."""
        return min(self.mix.late_up_to, self.dataset.max_lateness * 0.75)

    @property
    def longest_until_resent(self) -> timedelta:
        """How long after the first sending a duplicate follows at most; late ones stay acceptable."""
        return min(12 * _HOUR, self.dataset.max_lateness / 8)


def deliveries(campaign: Campaign) -> Iterator[Delivery]:
    """Yield what the campaign sends, in order of time."""
    random = Random(f"{campaign.seed} {campaign.dataset.name}")  # noqa: S311 - must be repeatable
    waiting: list[tuple[datetime, int, Delivery]] = []
    for serial, original in enumerate(_originals(campaign, random)):
        while waiting and waiting[0][0] <= original.sent_at:
            yield heapq.heappop(waiting)[2]
        yield original
        if original.items[-1].kind.is_trusted and random.random() < campaign.mix.duplicate:
            again = _sent_again(campaign, random, original)
            heapq.heappush(waiting, (again.sent_at, serial, again))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _originals(campaign: Campaign, random: Random) -> Iterator[Delivery]:
    source = campaign.profile.source(campaign.records / ((campaign.end - campaign.start) / _DAY))
    instant_at = spread(campaign.start, campaign.end, campaign.records, campaign.profile.rhythm)
    known: set[int] = set()
    for number in range(campaign.records):
        sent_at = instant_at(number + random.random())
        kind = _draw_kind(campaign.mix, random)
        record = None
        # Two events of equal content would count as one and its duplicate.
        while record is None or (content := hash(encode(record))) in known:
            happened_at = sent_at - _draw_delay(campaign, random, kind)
            record = source.record(random, happened_at, sent_at)
        known.add(content)
        yield Delivery(sent_at, tuple(_items(campaign.profile, random, _Event(kind, happened_at, record))))


def _draw_kind(mix: Mix, random: Random) -> Kind:
    draw = random.random()
    if draw < mix.malformed:
        return random.choice(_MALFORMED_KINDS)
    if draw < mix.malformed + mix.late:
        return random.choices(_LATE_KINDS, _LATE_WEIGHTS)[0]
    return Kind.UNKNOWN_FIELD if draw > 1 - _UNKNOWN_FIELD_SHARE else Kind.USUAL


def _draw_delay(campaign: Campaign, random: Random, kind: Kind) -> timedelta:
    """Return how long after the event it is sent, hours away from every limit.

    An object's key tells the time of its oldest record, and a stream buffers up to 15 minutes, so
    the lake may judge a record by a time somewhat before or after its own sending.
    """
    usual, dataset = campaign.profile.usual_delay, campaign.dataset
    ranges = {
        Kind.LATE: (usual + _HOUR, campaign.latest_accepted),
        Kind.TOO_LATE: (dataset.max_lateness + 6 * _HOUR, dataset.max_lateness + 72 * _HOUR),
        Kind.IN_FUTURE: (-dataset.max_skew - 12 * _HOUR, -dataset.max_skew - 2 * _HOUR),
    }
    shortest, longest = ranges.get(kind, (timedelta(0), usual))
    return shortest + random.random() * (longest - shortest)


@dataclass(frozen=True)
class _Event:
    kind: Kind
    happened_at: datetime
    record: Record


def _items(profile: Profile, random: Random, event: _Event) -> Iterator[Item]:
    kind, happened_at, record = event.kind, event.happened_at, event.record
    if kind in breakage.FRAGMENTS:
        yield Item(breakage.FRAGMENTS[kind](random, record), kind, happened_at)
        kind = Kind.USUAL
    elif kind is Kind.WRONG_TYPE:
        record = breakage.wrong_type(random, profile, record)
    elif kind is Kind.MISSING_REQUIRED:
        record = breakage.missing_required(random, profile, record)
    elif kind is Kind.UNKNOWN_FIELD:
        record = {**record, "firmware": f"2.{random.randrange(10)}"}
    if profile.drift is not None and kind.is_trusted:
        record = profile.drift(random, record)
    yield Item(encode(record), kind, happened_at)


def _sent_again(campaign: Campaign, random: Random, original: Delivery) -> Delivery:
    """Return the accepted record once more, byte by byte: at once, or hours later."""
    item = original.items[-1]
    delay = timedelta(0)
    if random.random() > _RESENT_AT_ONCE_SHARE:
        delay = random.random() * campaign.longest_until_resent
    sent_at = original.sent_at + delay
    if sent_at >= campaign.end:
        sent_at = original.sent_at
    return Delivery(sent_at, (Item(item.data, Kind.DUPLICATE, item.happened_at),))
