"""Whether a long history slows a day's run: what discovery lists, counted over a store that is only keys."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pyarrow as pa
from firelake.compact.discover import discover
from firelake.ledger import Ledger
from firelake.periods import Grain, Period, PeriodRange
from firelake.spec.load import load_dataset
from firelake.storage import Bucket, ObjectInfo

from bench.telemetry import DAY

_OBJECTS_A_DAY = 400
_LISTED_AT_ONCE = 1000
_SPEC = Path("include/datasets/iot_device_telemetry.yaml")


@dataclass(frozen=True)
class Listing:
    """What a day's run listed.

    Parameters
    ----------
    keys_stored
        In the whole bucket, the day's own included.
    requests
        Of 1,000 keys each at most.
    """

    keys_stored: int
    keys_listed: int
    requests: int
    objects_found: int
    seconds: float


class _KeysOnly(Bucket):
    """A bucket of empty objects that counts what is listed."""

    def __init__(self, keys: list[str]) -> None:
        self.name = "keys-only"
        self._keys = sorted(keys)
        self.listed = self.requests = 0

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with ``prefix``."""
        first, last = bisect_left(self._keys, prefix), bisect_left(self._keys, prefix + "\uffff")
        self.requests += max(1, -(-(last - first) // _LISTED_AT_ONCE))
        for key in self._keys[first:last]:
            self.listed += 1
            yield ObjectInfo(key, 1, "", DAY)


class _YesterdayOnly(Ledger):
    """A ledger that knows the objects of the day before."""

    def __init__(self) -> None:
        yesterday = Period(DAY - timedelta(days=1), Grain.DAY)
        shared = {"entry": "processed", "arrival_period": yesterday.key, "event_partitions": yesterday.key}
        self._entries = pa.Table.from_pylist([{"raw_object": key, **shared} for key in _keys_of(1)])

    def processed(self, *_: object) -> pa.Table:
        """Return the day before's entries, whatever was asked for."""
        return self._entries


def list_a_day(days_of_history: int) -> Listing:
    """Discover the objects of one day behind a history of some days, the day before swept too."""
    keys = [key for day in range(days_of_history + 1) for key in _keys_of(day)]
    bucket = _KeysOnly(keys)
    day = Period(DAY, Grain.DAY)
    dataset, ledger = load_dataset(_SPEC), _YesterdayOnly()
    started = time.perf_counter()
    found = discover(bucket, dataset, PeriodRange(day, day), ledger)
    seconds = time.perf_counter() - started
    return Listing(len(keys), bucket.listed, bucket.requests, len(found.objects), seconds)


def _keys_of(days_ago: int) -> Iterator[str]:
    for number in range(_OBJECTS_A_DAY):
        at = DAY - timedelta(days=days_ago) + timedelta(days=1) * number / _OBJECTS_A_DAY
        name = f"telemetry-1-{at:%Y-%m-%d-%H-%M-%S}-{UUID(int=number)}.gz"
        yield f"iot_device_telemetry/{at:%Y/%m/%d/%H}/{name}"
