"""Looking at what was refused, and finding the periods to run again once the cause is gone."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo
from pyiceberg.expressions.visitors import bind
from pyiceberg.io.pyarrow import expression_to_pyarrow

from firelake import iceberg
from firelake.layout import Lake, Zone, stage_key
from firelake.outcome import Outcome, Stage, TableStage
from firelake.periods import Period, PeriodRange
from firelake.spec import Dataset
from firelake.spec.dataset import RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.storage import Bucket, download_all
from firelake.tables import quarantine


@dataclass(frozen=True)
class Selection:
    """Which refused records are meant; all, unless said.

    Parameters
    ----------
    arrival
        When their objects arrived.
    reason
        Their reason code.
    raw_object
        The key of their object.
    run_id
        The run that refused them; what it staged counts, whether the gate let it publish or not.
    """

    arrival: PeriodRange | None = None
    reason: str | None = None
    raw_object: str | None = None
    run_id: str | None = None

    @property
    def expression(self) -> BooleanExpression:
        """The selection as Iceberg filters rows."""
        parts: list[BooleanExpression] = [AlwaysTrue()]
        if self.arrival is not None:
            parts.append(iceberg.within("arrived_at", self.arrival.start, self.arrival.end))
        equal = {"reason": self.reason, RAW_OBJECT_COLUMN: self.raw_object, "run_id": self.run_id}
        parts += [EqualTo(term=name, value=value) for name, value in equal.items() if value is not None]
        return reduce(And, parts)


class Refused(Outcome):
    """Refused records of one arrival period and reason."""

    arrival_period: str
    reason: str
    records: int
    objects: int


def count_refused(lake: Lake, dataset: Dataset, selection: Selection) -> tuple[Refused, ...]:
    """Count refused records by arrival period and reason."""
    records: Counter[tuple[str, str]] = Counter()
    objects: dict[tuple[str, str], set[str]] = {}
    for batch in _batches(lake, dataset, selection, ("reason", "arrived_at", RAW_OBJECT_COLUMN)):
        for row in batch.to_pylist():
            key = (_period(dataset, row["arrived_at"]).key, row["reason"])
            records[key] += 1
            objects.setdefault(key, set()).add(row[RAW_OBJECT_COLUMN])
    return tuple(
        Refused(arrival_period=period, reason=reason, records=found, objects=len(objects[period, reason]))
        for (period, reason), found in sorted(records.items())
    )


def refused_records(lake: Lake, dataset: Dataset, selection: Selection, limit: int) -> list[dict[str, Any]]:
    """Return refused records with their text and place, by object and position."""
    columns = quarantine(dataset).column_names
    rows: list[dict[str, Any]] = []
    for batch in _batches(lake, dataset, selection, columns):
        rows += batch.slice(0, limit - len(rows)).to_pylist()
        if len(rows) == limit:
            break
    return sorted(rows, key=lambda row: (row[RAW_OBJECT_COLUMN], row[RAW_POSITION_COLUMN]))


def refused_periods(lake: Lake, dataset: Dataset, selection: Selection) -> list[PeriodRange]:
    """Return the arrival periods with refused records, each to be run again."""
    keys = {found.arrival_period for found in count_refused(lake, dataset, selection)}
    return [PeriodRange.parse(key, dataset.raw.arrival_period) for key in sorted(keys)]


def _batches(
    lake: Lake, dataset: Dataset, selection: Selection, columns: tuple[str, ...]
) -> Iterator[pa.RecordBatch]:
    """Yield what is selected: of what a run has staged if one is named and its stage is there still."""
    table = quarantine(dataset).load(lake)
    staged = None if selection.run_id is None else _staged(lake, dataset, selection.run_id)
    if staged is None:
        yield from table.scan(
            row_filter=selection.expression, selected_fields=columns
        ).to_arrow_batch_reader()
        return
    with tempfile.TemporaryDirectory(prefix="firelake-refused-") as directory:
        paths = download_all({file.uri: file.bytes_parquet for file in staged.files}, Path(directory))
        bound = bind(table.schema(), selection.expression, case_sensitive=True)
        files = pads.dataset([str(path) for path in paths.values()], schema=table.schema().as_arrow())
        yield from files.to_batches(columns=list(columns), filter=expression_to_pyarrow(bound))


def _staged(lake: Lake, dataset: Dataset, run_id: str) -> TableStage | None:
    """Return what a run has staged for quarantine; None if maintenance has removed the manifest."""
    bucket, key = Bucket(lake.bucket(Zone.OPS)), stage_key(dataset.name, run_id)
    if not any(found.key == key for found in bucket.list(key)):
        return None
    return Stage.model_validate_json(bucket.read(key)).quarantine


def _period(dataset: Dataset, arrived_at: datetime) -> Period:
    return Period.containing(arrived_at.replace(tzinfo=UTC), dataset.raw.arrival_period)
