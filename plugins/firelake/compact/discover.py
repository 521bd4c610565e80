"""Which raw objects a run takes in: its period's, and those that earlier runs could not know of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from firelake.ledger import Ledger
from firelake.periods import PeriodRange
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


def discover(bucket: Bucket, dataset: Dataset, arrival: PeriodRange, ledger: Ledger) -> Discovered:
    """Find a run's objects: all of its periods, and those of the day before that no entry covers.

    An earlier period is swept only once its own run has been through it; until then its objects
    are that run's.
    """
    earlier = PeriodRange.covering(
        arrival.start - max(DELIVERY_RETRY, arrival.grain.length), arrival.start, arrival.grain
    )
    entries = ledger.processed(earlier.start, arrival.end).to_pylist()
    processed = [entry for entry in entries if entry["entry"] == "processed"]
    known = {entry["raw_object"] for entry in processed}
    ran = {entry["arrival_period"] for entry in entries if entry["entry"] != "displaced"}
    found = dict(listed(bucket, dataset, arrival))
    for period in earlier:
        if period.key in ran:
            late = listed(bucket, dataset, PeriodRange(period, period))
            found.update((key, info) for key, info in late if key not in known)
    objects = tuple(
        RawObject(ordinal, key, arrived_at, size_bytes)
        for ordinal, (key, (arrived_at, size_bytes)) in enumerate(sorted(found.items()))
    )
    partitions = {
        partition
        for entry in processed
        if entry["raw_object"] in found
        for partition in entry["event_partitions"].split(",")
        if partition
    }
    return Discovered(objects, frozenset(partitions))


def listed(
    bucket: Bucket, dataset: Dataset, arrival: PeriodRange
) -> Iterator[tuple[str, tuple[datetime, int]]]:
    """Yield key, arrival and size of the objects of some periods."""
    layout = dataset.raw.layout
    prefixes = {prefix for period in arrival for prefix in layout.prefixes(period, bucket.folders)}
    for prefix in sorted(prefixes):
        for info in bucket.list(prefix):
            arrived_at = layout.arrived_at(info.key)
            if arrived_at is None or not layout.is_data(info.key):
                continue
            if arrival.start <= arrived_at < arrival.end:
                yield info.key, (arrived_at, info.size_bytes)


def arrivals(bucket: Bucket, dataset: Dataset) -> tuple[dict[str, datetime], tuple[str, ...]]:
    """List everything below a dataset's prefix: when each object arrived, and those that do not say."""
    layout = dataset.raw.layout
    dated: dict[str, datetime] = {}
    strays: list[str] = []
    for info in bucket.list(layout.root):
        if not layout.is_data(info.key):
            continue
        arrived_at = layout.arrived_at(info.key)
        if arrived_at is not None:
            dated[info.key] = arrived_at
        elif layout.root.endswith("/"):
            # A prefix that is no folder has others' objects beside its own.
            strays.append(info.key)
    return dated, tuple(strays)
