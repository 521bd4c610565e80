"""A lake's reading without a lake: what pages are given is what a test says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from firelake.cost import DatasetCost, Line
from firelake.insight.flows import Counts, Flows, PeriodFlow
from firelake.insight.gates import GateRun, RuleOutcome
from firelake.insight.holdings import Holding, PartitionHolding, SnapshotLine
from firelake.insight.intake import Intake
from firelake.insight.overview import LakeState, Overview
from firelake.insight.reading import Reading
from firelake.insight.run import RunDetail, RunPartition, RunState
from firelake.insight.subject import Declared, Subject
from firelake.insight.table import ColumnLine, DriftLine, TableDetail
from firelake.insight.tiers import RuleStep, TierHolding, Tiers, ZoneTiers
from firelake.layout import Lake, Zone
from firelake.outcome import Accounting, ObjectOutcome
from firelake.quality.report import QuarantinedRecord
from firelake.spec import Dataset

from tests.unit.compact.lake import dataset

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN = "manual-20261122T100000Z-0123abcd"
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}&amp;\u202e\x00"
REPORT = b"<!doctype html><title>report</title><h1>Report</h1><script>x()</script>"


def declared(*names: str, **changes: Any) -> Declared:
    """Return datasets that differ in name alone."""
    found = (dataset(name=name, raw={"prefix": f"{name}/"}, **changes) for name in names)
    return Declared(datasets=tuple(found), summaries=())


@dataclass
class Told:
    """What the stub says: nothing at all, or a little of everything, in which all text is ``text``."""

    text: str = "readings"
    full: bool = True
    counts: Counts = field(
        default_factory=lambda: Counts(records_in=10, trusted=7, duplicates=1, quarantined=2)
    )
    state: RunState = RunState.PUBLISHED
    tries: tuple[str, ...] = (RUN,)


class StubReading(Reading):
    """A reading of what it was told."""

    def __init__(self, known: Declared, told: Told | None = None) -> None:
        super().__init__(Lake("stub-lake"), lambda: known, lambda: NOW)
        self.told = told or Told()

    def overview(self, names: Collection[str]) -> Overview:
        told = self.told
        day = PeriodFlow(period="2026-11-21", counts=told.counts)
        known = names if told.full else ()
        state = LakeState(
            holdings={name: self._holding(name) for name in known},
            gates={name: self._gate(name) for name in known},
            days={name: [day] for name in known},
            tiers=self.tiers() if told.full else None,
        )
        subjects = self.declared().subjects
        return Overview.of((state.line(subjects[name], NOW) for name in names), "USD")

    def flows(self, dataset: str) -> Flows:
        rows = [
            {
                "dataset": dataset,
                "arrival_period": "2026-11-21",
                "run_id": RUN,
                "sequence_number": 1,
                "event_partitions": "2026-11-21",
                "run_objects": 3,
                "run_bytes_json": 9,
                **{f"run_{name}": value for name, value in self.told.counts.model_dump().items()},
                **self.told.counts.model_dump(),
            }
        ]
        table = pa.Table.from_pylist(rows)
        return Flows(table if self.told.full else table.slice(0, 0))

    def gates(self, table: str) -> list[GateRun]:
        return [self._gate(table)] if self.told.full else []

    def detail(self, table: str) -> TableDetail:
        text, full = self.told.text, self.told.full
        drift = DriftLine(
            change="retyped",
            field=text,
            column="value",
            declared_type="double",
            seen_type=text,
            share=0.5,
            examples=(text,),
            first_seen=NOW,
            detected_at=NOW,
        )
        column = ColumnLine(
            name="value", type="double", comment=text, required=True, pii=True, drifts=(drift,)
        )
        snapshot = SnapshotLine(
            snapshot_id=7,
            committed_at=NOW,
            operation="overwrite",
            run_id=RUN,
            rows=10,
            rows_added=10,
            rows_removed=0,
            current=True,
        )
        return TableDetail(
            holding=self._holding(table),
            partitions=(PartitionHolding(partition="2026-11-21", rows=10, files=1, bytes_parquet=9),) * full,
            snapshots=(snapshot, snapshot.model_copy(update={"current": False})) * full,
            columns=(column,),
            new_fields=(drift.model_copy(update={"column": None}),) * full,
        )

    def intake(self, dataset: str) -> Intake:
        forgotten = 1 if self.told.full else 0
        named = (self.told.text,) * forgotten
        return Intake(arrival="2026-11-15/2026-11-22", objects=3, waiting=1, forgotten=forgotten, named=named)

    def outcomes(self, table: str) -> list[RuleOutcome]:
        return self._checks() * 2 if self.told.full else []

    def tiers(self) -> Tiers:
        tier = TierHolding(storage_class="STANDARD", objects=2, size_bytes=1 << 20, per_month=0.002)
        step = RuleStep(
            after_days=30, to="STANDARD_IA", due_objects=1, due_bytes=9, next_on=date(2026, 12, 1)
        )
        zones = (
            ZoneTiers(zone=Zone.RAW, tiers=(tier,), steps=(step,)),
            ZoneTiers(zone=Zone.TRUSTED, tiers=(), steps=()),
        )
        return Tiers(
            NOW, {one.name: zones for one in self.declared().datasets} if self.told.full else {}, "USD"
        )

    def cost(self, dataset: str) -> DatasetCost | None:
        if not self.told.full:
            return None
        line = Line(zone="raw", item="Firehose", quantity=1.5, unit="GB", per_month=0.04)
        return DatasetCost(
            dataset=dataset,
            currency="USD",
            days=3,
            lines=(line,),
            scenarios=(),
            suggestions=(self.told.text,),
        )

    def run(self, table: str, run_id: str) -> RunDetail | None:
        if not self.told.full:
            return None
        counts = self.told.counts
        accounting = Accounting(
            raw_objects=1,
            records_in=counts.records_in,
            trusted_new=counts.trusted,
            duplicates=counts.duplicates,
            quarantined={self.told.text: counts.quarantined},
            displaced=1,
            bytes_raw=10,
            bytes_json=20,
        )
        outcome = ObjectOutcome(
            raw_object=self.told.text,
            arrived_at=NOW,
            bytes_raw=10,
            bytes_json=20,
            records_in=10,
            trusted=7,
            duplicates=1,
            quarantined=2,
        )
        return RunDetail(
            table=table,
            run_id=run_id,
            state=self.told.state,
            began_at=NOW,
            period="2026-11-21",
            accounting=accounting,
            partitions=(RunPartition(partition="2026-11-21", rows=10, rows_before=None),),
            objects=(outcome,),
            checks=tuple(self._checks()),
            report_key=f"reports/{table}/2026-11-21/{run_id}.html",
        )

    def runs_of_origin(self, table: str, origin: str) -> list[str]:
        return list(self.told.tries)

    def refused(self, dataset: Dataset, run_id: str, reason: str | None) -> list[QuarantinedRecord]:
        text = self.told.text
        return [QuarantinedRecord(text, text, text, text, 7)] if self.told.full else []

    def report(self, key: str) -> bytes:
        return REPORT

    def _holding(self, name: str) -> Holding:
        rows = 10 if self.told.full else 0
        newest = NOW - timedelta(hours=30) if self.told.full else None
        return Holding(table=name, rows=rows, files=1, bytes_parquet=9, newest=newest, committed_at=NOW)

    def _gate(self, name: str) -> GateRun:
        return GateRun(
            table=name, run_id=RUN, evaluated_at=NOW, partitions=("2026-11-21",), rules=3, held=1, blocking=1
        )

    def _checks(self) -> list[RuleOutcome]:
        return [
            RuleOutcome(
                partition="2026-11-21",
                run_id=RUN,
                rule=f"{self.told.text}.{success}",
                column=self.told.text,
                severity="critical",
                success=success,
                errored=False,
                observed=self.told.text,
                observed_value=float(number),
                rows_checked=10,
                rows_bad=number,
                evaluated_at=NOW + timedelta(minutes=number),
            )
            for number, success in enumerate((False, True))
        ]


def subject(reading: Reading, name: str = "readings") -> Subject:
    """Return one of the declared tables."""
    return reading.declared().subjects[name]
