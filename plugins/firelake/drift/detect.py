"""Detecting drift in a lake: the crawler's table and a sample of raw against the spec, kept as rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pyiceberg.expressions import EqualTo

from firelake import aws, iceberg
from firelake.compact.discover import listed
from firelake.drift import records
from firelake.drift.compare import Drift, compare
from firelake.drift.fields import sample_fields
from firelake.drift.patch import propose_patch
from firelake.layout import Lake, Zone, uri
from firelake.outcome import Outcome
from firelake.periods import Grain, Period, PeriodRange
from firelake.raw.codecs import decode
from firelake.raw.cut import cut
from firelake.spec import Dataset, find_dataset
from firelake.storage import Bucket
from firelake.tables import DRIFT

_MAX_OBJECTS = 20
_MAX_RECORDS_PER_OBJECT = 500
_MAX_OBJECT_BYTES = 64 << 20


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
    found = sorted(listed(bucket, dataset, arrival), key=lambda item: item[1][0])
    # Spread over the periods, so that what began or ended in them shows.
    sampled = found[:: max(1, -(-len(found) // _MAX_OBJECTS))]
    bodies = bucket.read_all(key for key, _ in sampled)
    arrivals = [
        (arrived_at, list(_pieces(body))) for (_, (arrived_at, _)), body in zip(sampled, bodies, strict=True)
    ]
    sample = sample_fields(arrivals)
    # Where nothing arrived, nothing can be missing.
    drifts = compare(dataset, _crawled(lake, dataset), sample) if sample.records else ()
    table = DRIFT.load(lake)
    rows = table.scan(row_filter=EqualTo(term="dataset", value=dataset.name)).to_arrow().to_pylist()
    drifts = tuple(records.with_first_seen(drift, rows) for drift in drifts)
    if drifts:
        iceberg.append(table, records.drift_rows(dataset.name, arrival.key, drifts))
    return Detected(
        dataset=dataset.name,
        arrival=arrival.key,
        objects=len(sampled),
        records=sample.records,
        drifts=drifts,
        patch=propose_patch(dataset, drifts),
    )


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


def _pieces(body: bytes) -> Iterator[bytes]:
    pieces = cut(decode(body, _MAX_OBJECT_BYTES).data)
    for number in range(min(pieces.pieces, _MAX_RECORDS_PER_OBJECT)):
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
