"""One run: what came in, where each record went, and what the gate said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from firelake.insight.flows import RunFlow
from firelake.insight.gates import GateRun, RuleOutcome, outcomes_of_run
from firelake.insight.subject import Subject
from firelake.layout import Lake, Zone, report_key, stage_key, stage_prefix, uri
from firelake.ledger import read_stage
from firelake.outcome import Accounting, ObjectOutcome, Outcome, Stage, SummaryStage
from firelake.quality.report import QuarantinedRecord
from firelake.quarantine import Selection, count_refused, refused_records
from firelake.spec import Dataset
from firelake.spec.dataset import RAW_OBJECT_COLUMN
from firelake.storage import Bucket, read_object

_BEGAN = re.compile(r"-(\d{8}T\d{6}Z)-[0-9a-f]{8}$")
# Clocks differ a little between who names runs and who judges them.
_CLOCK_SKEW = timedelta(minutes=10)
MAX_REFUSED = 200


class RunState(StrEnum):
    """What became of a run."""

    PUBLISHED = "published"
    BLOCKED = "blocked"
    EMPTY = "empty"
    UNFINISHED = "unfinished"


class RunPartition(Outcome):
    """One event partition that a run rewrote.

    Parameters
    ----------
    rows, rows_before
        Rows of the whole partition after the run and before it; None where it is not known any more.
    """

    partition: str
    rows: int | None
    rows_before: int | None

    @property
    def change(self) -> str | None:
        """Rows more or fewer, with their sign."""
        known = self.rows is not None and self.rows_before is not None
        return f"{(self.rows or 0) - (self.rows_before or 0):+d}" if known else None


class RunDetail(Outcome):
    """One run of a pipeline or a summary.

    Parameters
    ----------
    period
        What it was run for: arrival periods, or a summary's partition; None if it is not known any more.
    accounting
        None for summaries.
    objects
        Where the records of each raw object went; empty once the run's stage was tidied away.
    report_key
        The quality report in the ops bucket; None if there is none.
    """

    table: str
    run_id: str
    state: RunState
    began_at: datetime | None
    period: str | None
    accounting: Accounting | None
    partitions: tuple[RunPartition, ...]
    objects: tuple[ObjectOutcome, ...]
    checks: tuple[RuleOutcome, ...]
    report_key: str | None

    @property
    def failed(self) -> tuple[RuleOutcome, ...]:
        """The checks that did not hold."""
        return tuple(check for check in self.checks if not check.success)


def began_at(run_id: str) -> datetime | None:
    """Return when a run began, as its id says; None for ids that say nothing."""
    found = _BEGAN.search(run_id)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if found else None


def runs_of_origin(lake: Lake, table: str, origin: str, known: Iterable[str]) -> list[str]:
    """Return the runs that one origin started, the latest first.

    Parameters
    ----------
    origin
        What started them, as their ids begin.
    known
        Runs of the table, in addition to those whose stages are still there.
    """
    prefix = f"{stage_prefix(table)}{origin}-"
    staged = {
        info.key.removeprefix(stage_prefix(table)).removesuffix(".json")
        for info in Bucket(lake.bucket(Zone.OPS)).list(prefix)
    }
    own = {run_id for run_id in {*staged, *known} if _BEGAN.sub("", run_id) == origin}
    return sorted(own, key=lambda run_id: (str(began_at(run_id)), run_id), reverse=True)


@dataclass(frozen=True)
class RunReader:
    """Reads one run.

    Parameters
    ----------
    flow, gate
        What the folded ledger and history say of it; None if they do not know it.
    published
        Whether a snapshot of the table was made by it.
    """

    lake: Lake
    # A page's key: two declarations of one table need not be told apart.
    subject: Subject = field(compare=False)
    table: str
    run_id: str
    flow: RunFlow | None
    gate: GateRun | None
    published: bool

    def read(self) -> RunDetail | None:
        """Return what there is to say; None if nothing is known of such a run."""
        stage = self._stage()
        if stage is None and self.flow is None and self.gate is None:
            return None
        period = self._period(stage)
        return RunDetail(
            table=self.table,
            run_id=self.run_id,
            state=self._state(stage),
            began_at=began_at(self.run_id),
            period=period,
            accounting=stage.accounting if isinstance(stage, Stage) else self._remembered(),
            partitions=self._partitions(stage),
            objects=stage.objects if isinstance(stage, Stage) else (),
            checks=self._checks(),
            report_key=None if period is None else self._report(period),
        )

    def _stage(self) -> Stage | SummaryStage | None:
        bucket, key = self.lake.bucket(Zone.OPS), stage_key(self.table, self.run_id)
        if not any(info.key == key for info in Bucket(bucket).list(key)):
            return None
        if self.subject.dataset is not None:
            return read_stage(uri(bucket, key))
        return SummaryStage.model_validate_json(read_object(uri(bucket, key)))

    def _state(self, stage: Stage | SummaryStage | None) -> RunState:
        if self.published or self.flow is not None:
            return RunState.PUBLISHED
        if self.gate is not None and not self.gate.passed:
            return RunState.BLOCKED
        if isinstance(stage, Stage) and not stage.objects:
            return RunState.EMPTY
        return RunState.UNFINISHED

    def _period(self, stage: Stage | SummaryStage | None) -> str | None:
        if stage is not None:
            return stage.period if isinstance(stage, Stage) else stage.partition
        if self.flow is not None and len(self.flow.arrival_periods) == 1:
            return self.flow.arrival_periods[0]
        return self.gate.partitions[-1] if self.gate else None

    def _remembered(self) -> Accounting | None:
        """Return the run's sums as the ledger keeps them, with reasons as far as quarantine does."""
        if self.flow is None or self.subject.dataset is None:
            return None
        counts = self.flow.counts
        reasons: Counter[str] = Counter()
        for refused in count_refused(self.lake, self.subject.dataset, Selection(run_id=self.run_id)):
            reasons[refused.reason] += refused.records
        if rest := counts.quarantined - reasons.total():
            reasons["since run again"] = rest
        return Accounting(
            raw_objects=self.flow.raw_objects,
            records_in=counts.records_in,
            trusted_new=counts.trusted,
            duplicates=counts.duplicates,
            quarantined=dict(reasons),
            displaced=0,
            bytes_raw=counts.bytes_raw,
            bytes_json=self.flow.bytes_json,
        )

    def _partitions(self, stage: Stage | SummaryStage | None) -> tuple[RunPartition, ...]:
        if stage is None:
            names = self.flow.event_partitions if self.flow else ()
            return tuple(RunPartition(partition=name, rows=None, rows_before=None) for name in names)
        staged = stage.trusted if isinstance(stage, Stage) else stage.rows
        rows: Counter[str] = Counter()
        for file in staged.files:
            rows[file.partition] += file.rows
        return tuple(
            RunPartition(partition=base.partition, rows=rows[base.partition], rows_before=base.rows)
            for base in staged.bases
        )

    def _checks(self) -> tuple[RuleOutcome, ...]:
        if self.gate is None:
            return ()
        since = (began_at(self.run_id) or self.gate.evaluated_at) - _CLOCK_SKEW
        found = outcomes_of_run(self.lake, self.gate, since)
        return tuple(sorted(found, key=lambda one: (one.success, one.partition, one.rule)))

    def _report(self, period: str) -> str | None:
        key = report_key(self.table, period, self.run_id)
        listed = Bucket(self.lake.bucket(Zone.OPS)).list(key)
        return key if any(info.key == key for info in listed) else None


def refused_of(lake: Lake, dataset: Dataset, run_id: str, reason: str | None) -> list[QuarantinedRecord]:
    """Return some of the records that a run refused, by object and place.

    Parameters
    ----------
    reason
        Their reason code; None for any.
    """
    return [
        QuarantinedRecord(
            reason=row["reason"],
            detail=row["detail"] or "",
            raw_text=row["raw_text"] or "",
            raw_object=row[RAW_OBJECT_COLUMN],
            byte_offset=row["byte_offset"],
        )
        for row in refused_records(lake, dataset, Selection(reason=reason, run_id=run_id), MAX_REFUSED)
    ]
