"""One table in all detail: partitions, history, schema and how what arrives drifts from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyiceberg.expressions import EqualTo

from firelake import aws
from firelake.insight.holdings import Holding, PartitionHolding, SnapshotLine, holding, partitions, snapshots
from firelake.insight.subject import Subject
from firelake.layout import Lake
from firelake.outcome import Outcome
from firelake.tables import DRIFT


class DriftLine(Outcome):
    """How a field that arrives differs from the spec, as last detected."""

    change: str
    field: str
    column: str | None
    declared_type: str | None
    seen_type: str | None
    share: float
    examples: tuple[str, ...]
    first_seen: datetime | None
    detected_at: datetime


class ColumnLine(Outcome):
    """One column, and what drifts in it."""

    name: str
    type: str
    comment: str
    required: bool
    pii: bool
    drifts: tuple[DriftLine, ...]


@dataclass(frozen=True)
class TableDetail:
    """One table as it stands.

    Parameters
    ----------
    new_fields
        Fields that arrive and are not declared.
    """

    holding: Holding
    partitions: tuple[PartitionHolding, ...]
    snapshots: tuple[SnapshotLine, ...]
    columns: tuple[ColumnLine, ...]
    new_fields: tuple[DriftLine, ...]

    @property
    def run_ids(self) -> frozenset[str]:
        """The runs that made the snapshots which are kept."""
        return frozenset(line.run_id for line in self.snapshots if line.run_id)


def table_detail(lake: Lake, subject: Subject) -> TableDetail:
    """Read one table's metadata.

    Raises
    ------
    LakeUnreachable
        If the lake does not answer, or lacks the table.
    """
    table = subject.declaration.load(lake)
    drifts = [] if subject.dataset is None else _drifts(lake, subject.name)
    with aws.reaching(f"table {'.'.join(table.name())}"):
        return TableDetail(
            holding=holding(subject.declaration, table),
            partitions=tuple(partitions(subject.declaration, table)),
            snapshots=tuple(snapshots(table)),
            columns=tuple(_columns(subject, drifts)),
            new_fields=tuple(drift for drift in drifts if drift.column is None),
        )


def _columns(subject: Subject, drifts: list[DriftLine]) -> list[ColumnLine]:
    declared = {column.name: column for column in subject.dataset.columns} if subject.dataset else {}
    return [
        ColumnLine(
            name=name,
            type=str(kind),
            comment=comment,
            required=name in declared and declared[name].required,
            pii=name in declared and declared[name].pii,
            drifts=tuple(drift for drift in drifts if drift.column == name),
        )
        for name, kind, comment in subject.declaration.columns
    ]


def _drifts(lake: Lake, dataset: str) -> list[DriftLine]:
    """Return what the latest detection found."""
    table = DRIFT.load(lake)
    with aws.reaching(f"table {'.'.join(table.name())}"):
        rows = table.scan(row_filter=EqualTo(term="dataset", value=dataset)).to_arrow().to_pylist()
    last = max((row["detected_at"] for row in rows), default=None)
    return [_drift(row) for row in rows if row["detected_at"] == last]


def _drift(row: dict[str, Any]) -> DriftLine:
    first_seen = row["first_seen"]
    return DriftLine(
        change=row["change"],
        field=row["field"],
        column=row["column_name"],
        declared_type=row["declared_type"],
        seen_type=row["seen_type"],
        share=row["share"] or 0.0,
        examples=tuple(json.loads(row["examples"] or "[]")),
        first_seen=first_seen.replace(tzinfo=UTC) if first_seen else None,
        detected_at=row["detected_at"].replace(tzinfo=UTC),
    )
