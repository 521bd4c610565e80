"""Which raw objects a run takes in: its period's, and those that earlier runs could not know of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from firelake.ledger import Ledger
from firelake.periods import Period
from firelake.raw.records import RawObject
from firelake.spec import Dataset
from firelake.storage import Bucket

# Firehose tries for a day to deliver, and files the object under the hour of its oldest record.
# https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
DELIVERY_RETRY = timedelta(hours=24)


@dataclass(frozen=True)
class Discovered:
    """The objects of a run.

    Parameters
    ----------
    objects
        In the order of their keys.
    event_partitions
        Where earlier runs put rows of these objects; their partitions have to be rewritten too.
    """

    objects: tuple[RawObject, ...]
    event_partitions: frozenset[str]

    @property
    def bytes_raw(self) -> int:
        """Size of all objects as stored."""
        return sum(source.bytes_raw for source in self.objects)


def discover(bucket: Bucket, dataset: Dataset, period: Period, ledger: Ledger) -> Discovered:
    """Find a run's objects: all of its period, and those of the day before that no entry covers.

    An earlier period is swept only once its own run has been through it; until then its objects
    are that run's.
    """
    earlier = list(_earlier(period))
    entries = [
        entry
        for entry in ledger.processed(earlier[0].start, period.end).to_pylist()
        if entry["entry"] == "processed"
    ]
    known = {entry["raw_object"] for entry in entries}
    swept = [one for one in earlier if one.key in {entry["arrival_period"] for entry in entries}]
    found = dict(listed(bucket, dataset, period))
    for one in swept:
        found.update((key, info) for key, info in listed(bucket, dataset, one) if key not in known)
    objects = tuple(
        RawObject(ordinal, key, arrival, size_bytes)
        for ordinal, (key, (arrival, size_bytes)) in enumerate(sorted(found.items()))
    )
    partitions = {
        partition
        for entry in entries
        if entry["raw_object"] in found
        for partition in entry["event_partitions"].split(",")
        if partition
    }
    return Discovered(objects, frozenset(partitions))


def _earlier(period: Period) -> Iterator[Period]:
    start = period.start - max(DELIVERY_RETRY, period.grain.length)
    while start < period.start:
        yield Period(start, period.grain)
        start += period.grain.length


def listed(bucket: Bucket, dataset: Dataset, period: Period) -> Iterator[tuple[str, tuple[datetime, int]]]:
    """Yield key, arrival and size of a period's objects."""
    layout = dataset.raw.layout
    for prefix in layout.prefixes(period, bucket.folders):
        for info in bucket.list(prefix):
            arrival = layout.arrived_at(info.key)
            if arrival is not None and arrival in period and layout.is_data(info.key):
                yield info.key, (arrival, info.size_bytes)
