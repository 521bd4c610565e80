"""Drift as rows of a catalogued table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from firelake.drift.compare import Drift
from firelake.spec.types import ColumnType, Primitive

COMMENT = "How raw records differ from their dataset's spec: one row for each difference and detection"
TIME_COLUMN = "detected_at"

_STRING, _DOUBLE, _TIMESTAMP = Primitive("string"), Primitive("double"), Primitive("timestamp")

COLUMNS: tuple[tuple[str, ColumnType, str], ...] = (
    ("dataset", _STRING, "The dataset"),
    ("arrival", _STRING, "The arrival periods that were sampled"),
    ("change", _STRING, "new, missing, retyped or renamed"),
    ("field", _STRING, "The raw field"),
    ("column_name", _STRING, "The column concerned; null for a new field"),
    ("declared_type", _STRING, "The column's type in the spec"),
    ("seen_type", _STRING, "What arrives, as Glue names types"),
    ("share", _DOUBLE, "Share of the sampled records that have the field"),
    ("examples", _STRING, "Some values, as a JSON array; none if the dataset holds personal data"),
    ("first_seen", _TIMESTAMP, "Arrival of the earliest sampled object with the field, UTC"),
    (TIME_COLUMN, _TIMESTAMP, "When it was detected, UTC"),
)
_ARROW: dict[ColumnType, pa.DataType] = {
    _STRING: pa.string(),
    _DOUBLE: pa.float64(),
    _TIMESTAMP: pa.timestamp("us"),
}
SCHEMA = pa.schema([pa.field(name, _ARROW[kind]) for name, kind, _ in COLUMNS])


def drift_rows(dataset: str, arrival: str, drifts: Iterable[Drift]) -> pa.Table:
    """Return one row for each difference, to be appended to :data:`TABLE`."""
    detected_at = datetime.now(UTC).replace(tzinfo=None)
    rows = [
        {
            "dataset": dataset,
            "arrival": arrival,
            "change": str(drift.change),
            "field": drift.field,
            "column_name": drift.column,
            "declared_type": drift.declared,
            "seen_type": drift.seen,
            "share": drift.share,
            "examples": json.dumps(drift.examples, ensure_ascii=False),
            "first_seen": drift.first_seen.astimezone(UTC).replace(tzinfo=None) if drift.first_seen else None,
            TIME_COLUMN: detected_at,
        }
        for drift in drifts
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def with_first_seen(drift: Drift, rows: Iterable[dict[str, Any]]) -> Drift:
    """Return a difference with the earliest time at which it was seen, now or in earlier detections."""
    earlier = [
        row["first_seen"].replace(tzinfo=UTC)
        for row in rows
        if (row["change"], row["field"], row["column_name"]) == (drift.change, drift.field, drift.column)
        and row["first_seen"] is not None
    ]
    return drift.model_copy(
        update={
            "first_seen": min([*earlier, *([drift.first_seen] if drift.first_seen else [])], default=None)
        }
    )
