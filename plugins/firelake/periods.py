"""Arrival periods and event partitions: an hour or a day, in UTC, and the keys that name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

from firelake.errors import PeriodError


class Grain(StrEnum):
    """How long a period is."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """The duration of one period."""
        return timedelta(hours=1) if self is Grain.HOUR else timedelta(days=1)

    @property
    def key_format(self) -> str:
        """The strftime pattern of a period's key."""
        return "%Y-%m-%dT%H" if self is Grain.HOUR else "%Y-%m-%d"


@dataclass(frozen=True, order=True)
class Period:
    """One hour or day.

    Parameters
    ----------
    start
        First instant, UTC.
    grain
        Its length.
    """

    start: datetime
    grain: Grain

    @classmethod
    def parse(cls, key: str, grain: Grain) -> Period:
        """Read a key such as ``2026-11-21`` or ``2026-11-21T14``.

        Raises
        ------
        PeriodError
            If ``key`` is not of the form that ``grain`` takes.
        """
        try:
            start = datetime.strptime(key, grain.key_format).replace(tzinfo=UTC)
        except ValueError as error:
            example = datetime(2026, 11, 21, 14, tzinfo=UTC).strftime(grain.key_format)
            raise PeriodError(f"{key!r} is no {grain} key; write it like {example}") from error
        return cls(start, grain)

    @classmethod
    def containing(cls, instant: datetime, grain: Grain) -> Period:
        """Return the period that ``instant`` (with a time zone) falls into."""
        utc = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(utc.replace(hour=0) if grain is Grain.DAY else utc, grain)

    @property
    def key(self) -> str:
        """The partition key, as Airflow and the lake write it."""
        return self.start.strftime(self.grain.key_format)

    @property
    def end(self) -> datetime:
        """First instant after the period."""
        return self.start + self.grain.length

    def moved(self, periods: int) -> Period:
        """Return the period so many later, or earlier if negative."""
        return Period(self.start + periods * self.grain.length, self.grain)

    def readers(self, reads: Sequence[int]) -> tuple[Period, ...]:
        """Return the periods that read this one, if each reads those so many after its own, in order."""
        return tuple(self.moved(-place) for place in reversed(reads))

    def __contains__(self, instant: datetime) -> bool:
        """Tell whether ``instant`` lies in the period."""
        return self.start <= instant < self.end

    def __str__(self) -> str:
        """Return the key."""
        return self.key


@dataclass(frozen=True)
class PeriodRange:
    """Consecutive periods of one grain.

    Parameters
    ----------
    first, last
        Both are part of it.
    """

    first: Period
    last: Period

    def __post_init__(self) -> None:
        """Refuse a range that holds nothing."""
        if self.last < self.first:
            raise PeriodError(f"{self.first} to {self.last}: the first period is behind the last")

    @classmethod
    def parse(cls, key: str, grain: Grain) -> Self:
        """Read one period's key, or two with a slash between.

        Raises
        ------
        PeriodError
            If ``key`` is neither.
        """
        first, _, last = key.partition("/")
        return cls(Period.parse(first, grain), Period.parse(last or first, grain))

    @classmethod
    def covering(cls, start: datetime, end: datetime, grain: Grain) -> Self:
        """Return the periods that hold the instants from ``start`` to just before ``end``."""
        return cls(Period.containing(start, grain), Period.containing(end - timedelta(microseconds=1), grain))

    @property
    def key(self) -> str:
        """The key of the only period, or the first's and the last's with a slash between."""
        return self.first.key if self.first == self.last else f"{self.first.key}/{self.last.key}"

    @property
    def grain(self) -> Grain:
        """The length of each period."""
        return self.first.grain

    @property
    def start(self) -> datetime:
        """First instant."""
        return self.first.start

    @property
    def end(self) -> datetime:
        """First instant after the range."""
        return self.last.end

    def __iter__(self) -> Iterator[Period]:
        """Yield the periods in order."""
        start = self.first.start
        while start < self.end:
            yield Period(start, self.grain)
            start += self.grain.length

    def __str__(self) -> str:
        """Return the key."""
        return self.key
