"""What a source's records look like, whoever sends them and whenever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

Record = dict[str, Any]


class Source(Protocol):
    """Makes the records of one dataset; a new one is made for every campaign."""

    def record(self, random: Random, happened_at: datetime, sent_at: datetime) -> Record | None:
        """Return what the source sends of an event, or None if it was silent then.

        Parameters
        ----------
        random
            Where all chance comes from.
        happened_at, sent_at
            When the event happened and when it is sent, UTC.
        """


@dataclass(frozen=True)
class Profile:
    """How to simulate one dataset.

    Parameters
    ----------
    dataset
        Name of the spec.
    source
        Makes a source that sends so many records a day.
    usual_delay
        How long after the event a record is sent at most, unless it is late.
    required
        Keys without which the record must be refused.
    wrong_values
        Values of the wrong type, by key.
    rhythm
        How busy each hour of the day is, UTC; without it, all are alike.
    drift
        Writes some records as an older or odd sender does, which the lake must take all the same.
    """

    dataset: str
    source: Callable[[float], Source]
    usual_delay: timedelta
    required: tuple[str, ...]
    wrong_values: tuple[tuple[str, Any], ...]
    rhythm: tuple[float, ...] = ()
    drift: Callable[[Random, Record], Record] | None = None
