"""Looking at what was refused, and finding the periods to run again once the cause is gone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo

from firelake import iceberg
from firelake.layout import Lake
from firelake.outcome import Outcome
from firelake.periods import Period, PeriodRange
from firelake.spec import Dataset
from firelake.spec.dataset import RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
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
    """

    arrival: PeriodRange | None = None
    reason: str | None = None
    raw_object: str | None = None

    @property
    def expression(self) -> BooleanExpression:
        """The selection as Iceberg filters rows."""
        parts: list[BooleanExpression] = [AlwaysTrue()]
        if self.arrival is not None:
            parts.append(iceberg.within("arrived_at", self.arrival.start, self.arrival.end))
        if self.reason is not None:
            parts.append(EqualTo(term="reason", value=self.reason))
        if self.raw_object is not None:
            parts.append(EqualTo(term=RAW_OBJECT_COLUMN, value=self.raw_object))
        expression = parts[0]
        for part in parts[1:]:
            expression = And(expression, part)
        return expression


class Refused(Outcome):
    """Refused records of one arrival period and reason."""

    arrival_period: str
    reason: str
    records: int
    objects: int


def count_refused(lake: Lake, dataset: Dataset, selection: Selection) -> tuple[Refused, ...]:
    """Count refused records by arrival period and reason."""
    columns = ("reason", "arrived_at", RAW_OBJECT_COLUMN)
    table = quarantine(dataset).load(lake)
    records: Counter[tuple[str, str]] = Counter()
    objects: dict[tuple[str, str], set[str]] = {}
    scan = table.scan(row_filter=selection.expression, selected_fields=columns)
    for batch in scan.to_arrow_batch_reader():
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
    found = quarantine(dataset).load(lake).scan(row_filter=selection.expression, limit=limit).to_arrow()
    rows: list[dict[str, Any]] = found.to_pylist()
    return sorted(rows, key=lambda row: (row[RAW_OBJECT_COLUMN], row[RAW_POSITION_COLUMN]))


def refused_periods(lake: Lake, dataset: Dataset, selection: Selection) -> list[PeriodRange]:
    """Return the arrival periods with refused records, each to be run again."""
    keys = {found.arrival_period for found in count_refused(lake, dataset, selection)}
    return [PeriodRange.parse(key, dataset.raw.arrival_period) for key in sorted(keys)]


def _period(dataset: Dataset, arrived_at: datetime) -> Period:
    return Period.containing(arrived_at.replace(tzinfo=UTC), dataset.raw.arrival_period)
