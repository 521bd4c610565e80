"""Detecting drift in a lake: the crawler's table and a sample of raw against the spec, kept as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.expressions import EqualTo

from firelake import aws, iceberg
from firelake.compact.discover import listed
from firelake.drift import records
from firelake.drift.compare import Drift, compare
from firelake.drift.fields import Sample, sample_fields
from firelake.drift.patch import propose_patch
from firelake.layout import Lake, Zone, uri
from firelake.outcome import Outcome, Stage
from firelake.periods import Grain, Period, PeriodRange
from firelake.raw.codecs import decode
from firelake.raw.cut import cut
from firelake.spec import Dataset, find_dataset
from firelake.storage import Bucket
from firelake.tables import DRIFT


@dataclass(frozen=True)
class Effort:
    """How much is looked at: objects spread over the periods, and the beginning of each."""

    objects: int
    records_per_object: int
    bytes_per_object: int


THOROUGH = Effort(objects=20, records_per_object=500, bytes_per_object=64 << 20)
GLANCE = Effort(objects=6, records_per_object=200, bytes_per_object=2 << 20)


class Detected(Outcome):
    """How what arrives differs from a dataset's spec.

    Parameters
    ----------
    records, objects
        How much was sampled.
    patch
        A proposal for the dataset's YAML; empty if nothing differs.
    """

    dataset: str
    arrival: str
    objects: int
    records: int
    drifts: tuple[Drift, ...]
    patch: str


def detect(lake: Lake, dataset: Dataset, arrival: PeriodRange) -> Detected:
    """Compare what arrived in some periods with a dataset's spec, and keep what differs.

    Raises
    ------
    LakeUnreachable
        If the lake does not answer, or lacks a bucket or table.
    """
    bucket = Bucket(lake.bucket(Zone.RAW))
    found = {key: arrived_at for key, (arrived_at, _) in listed(bucket, dataset, arrival)}
    detected = _detected(lake, dataset, arrival.key, _sampled(bucket, found, THOROUGH))
    if detected.drifts:
        iceberg.append(DRIFT.load(lake), records.drift_rows(dataset.name, arrival.key, detected.drifts))
    return detected


def glance(lake: Lake, dataset: Dataset, stage: Stage) -> Detected:
    """Compare some of what a run has read with its dataset's spec, for its report; nothing is kept.

    Raises
    ------
    LakeUnreachable
        If the lake does not answer, or lacks a bucket or table.
    """
    found = {outcome.raw_object: outcome.arrived_at for outcome in stage.objects}
    sampled = _sampled(Bucket(lake.bucket(Zone.RAW)), found, GLANCE)
    return _detected(lake, dataset, stage.period, sampled)


def detect_by_name(dataset: str, arrival: str | None = None, now: datetime | None = None) -> Detected:
    """Detect the drift of the dataset called ``dataset``, in the lake that the environment names.

    Parameters
    ----------
    arrival
        An arrival period's key, or two with a slash between; None for the day before ``now``.
    """
    found = find_dataset(dataset)
    grain = found.raw.arrival_period
    if arrival is not None:
        return detect(Lake.from_environment(), found, PeriodRange.parse(arrival, grain))
    today = Period.containing(now or datetime.now(UTC), Grain.DAY).start
    return detect(
        Lake.from_environment(), found, PeriodRange.covering(today - timedelta(days=1), today, grain)
    )


def _detected(lake: Lake, dataset: Dataset, arrival: str, sampled: tuple[int, Sample]) -> Detected:
    objects, sample = sampled
    # Where nothing arrived, nothing can be missing.
    drifts = compare(dataset, _crawled(lake, dataset), sample) if sample.records else ()
    if drifts:
        scan = DRIFT.load(lake).scan(row_filter=EqualTo(term="dataset", value=dataset.name))
        rows = iceberg.rows(scan).to_pylist()
        drifts = tuple(records.with_first_seen(drift, rows) for drift in drifts)
    return Detected(
        dataset=dataset.name,
        arrival=arrival,
        objects=objects,
        records=sample.records,
        drifts=drifts,
        patch=propose_patch(dataset, drifts),
    )


def _sampled(bucket: Bucket, found: Mapping[str, datetime], effort: Effort) -> tuple[int, Sample]:
    """Look at some objects, given with their arrival; return how many, and what their fields are."""
    by_arrival = sorted(found, key=lambda key: (found[key], key))
    # Spread over the periods, so that what began or ended in them shows.
    keys = by_arrival[:: max(1, -(-len(by_arrival) // effort.objects))]
    bodies = bucket.read_all(keys)
    sample = sample_fields(
        (found[key], list(_pieces(body, effort))) for key, body in zip(keys, bodies, strict=True)
    )
    return len(keys), sample


def _pieces(body: bytes, effort: Effort) -> Iterator[bytes]:
    pieces = cut(decode(body, effort.bytes_per_object).data)
    for number in range(min(pieces.pieces, effort.records_per_object)):
        yield bytes(pieces.text[pieces.bounds[number] : pieces.bounds[number + 1]])


def _crawled(lake: Lake, dataset: Dataset) -> dict[str, str]:
    """Return the columns of the raw tables that lie in the dataset's folder."""
    folder = uri(lake.bucket(Zone.RAW), dataset.raw.layout.folder)
    columns: dict[str, str] = {}
    with aws.reaching(f"tables of {lake.database(Zone.RAW)}"):
        for page in (
            aws.client("glue").get_paginator("get_tables").paginate(DatabaseName=lake.database(Zone.RAW))
        ):
            for table in page["TableList"]:
                storage = table.get("StorageDescriptor", {})
                if storage.get("Location", "").rstrip("/").startswith(folder.rstrip("/")):
                    columns |= {column["Name"]: column.get("Type", "string") for column in storage["Columns"]}
    return columns
