"""Arrival periods and event partitions: an hour or a day, in UTC, and the keys that name them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

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

    def __contains__(self, instant: datetime) -> bool:
        """Tell whether ``instant`` lies in the period."""
        return self.start <= instant < self.end

    def __str__(self) -> str:
        """Return the key."""
        return self.key
