"""The gate's place in the lake: staged files in, verdict, history and report out."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from firelake import iceberg
from firelake.alerts.gate import JudgedRun, gate_alerts
from firelake.alerts.outbox import Outbox
from firelake.drift.detect import glance
from firelake.errors import GateFailed, LakeUnreachable
from firelake.layout import Lake, Zone, report_key, uri, validation_key, verdict_key
from firelake.outcome import Stage, SummaryStage, TableStage
from firelake.periods import Period, PeriodRange
from firelake.quality.acceptance import is_accepted
from firelake.quality.evidence import refused_examples, trends
from firelake.quality.gate import GateSubject, evaluate
from firelake.quality.history import history_rows
from firelake.quality.report import ReportInput, render_report, report_json
from firelake.quality.report_index import refresh_index
from firelake.quality.run_rules import judge_run
from firelake.quality.series import Series
from firelake.quality.timeline import Timeline
from firelake.quality.trailing import with_rules
from firelake.quality.verdict import Verdict
from firelake.spec import Dataset
from firelake.spec.alerts import Alerts
from firelake.storage import Bucket, download_all
from firelake.summary.reconcile import is_covered, reconcile_rules
from firelake.summary.spec import SummaryTable
from firelake.tables import QUALITY_RESULTS

_MAX_NAMED = 5


def judge_stage(lake: Lake, dataset: Dataset, stage: Stage) -> Verdict:
    """Hold what a run has staged to its dataset's suite, partition by partition.

    Raises
    ------
    GateFailed
        If a critical rule failed; verdict, history and report are written before.
    """
    timeline = Timeline(lake, Series.of_dataset(dataset))
    arrived_until = PeriodRange.parse(stage.period, dataset.raw.arrival_period).end
    with tempfile.TemporaryDirectory(prefix="firelake-gate-") as name:
        directory = Path(name)
        subjects = [
            GateSubject.of_dataset(dataset, partition, stage.run_id, files)
            for partition, files in _partitions(stage.trusted, directory)
        ]
        compared = [
            timeline.compare(subject, evaluate(subject), complete=_end(dataset, subject) <= arrived_until)
            for subject in subjects
        ]
        run = judge_run(dataset, stage, directory / "failed")
        examples = refused_examples(stage, directory / "quarantine")
    verdict = _conclude(
        lake,
        ReportInput(
            table=dataset.name,
            description=dataset.description,
            owner=dataset.owner,
            period=stage.period,
            run_id=stage.run_id,
            results=(*(result for result, _ in compared), run),
            accounting=stage.accounting,
            quarantined=examples,
            trends=trends(lake, dataset.name),
            pii=frozenset(column.name for column in dataset.columns if column.pii),
            drift=glance(lake, dataset, stage),
        ),
        dataset.alerts,
    )
    timeline.keep((profile for _, profile in compared), stage.run_id)
    return verdict


def _end(dataset: Dataset, subject: GateSubject) -> datetime:
    return Period.parse(subject.partition, dataset.partition_by).end


def judge_summary(lake: Lake, table: SummaryTable, stage: SummaryStage) -> Verdict:
    """Hold a computed partition of a summary to its checks.

    Raises
    ------
    GateFailed
        If a critical rule failed; verdict, history and report are written before.
    """
    timeline = Timeline(lake, Series.of_summary(table))
    with tempfile.TemporaryDirectory(prefix="firelake-gate-") as directory:
        # A run computes one partition.
        ((partition, files),) = _partitions(stage.rows, Path(directory))
        subject = GateSubject.of_summary(table, partition, stage.run_id, files)
        reconciled = with_rules(evaluate(subject), reconcile_rules(lake, table, stage, subject))
        complete = table.trailing is not None and is_covered(lake, table, partition)
        result, profile = timeline.compare(subject, reconciled, complete=complete)
    verdict = _conclude(
        lake,
        ReportInput(
            table=table.name,
            description=table.description,
            owner=table.owner,
            period=stage.partition,
            run_id=stage.run_id,
            results=(result,),
            trends=trends(lake, table.name),
        ),
        table.alerts,
    )
    timeline.keep([profile], stage.run_id)
    return verdict


def require_passed(lake: Lake, table: str, run_id: str) -> None:
    """Make sure that the gate let a stage pass, or somebody answers for it; publishing always asks this.

    Raises
    ------
    GateFailed
        If it did not, or has not judged the stage.
    """
    try:
        verdict = Verdict.model_validate_json(Bucket(lake.bucket(Zone.OPS)).read(verdict_key(table, run_id)))
    except LakeUnreachable as error:
        raise GateFailed(
            f"{table}: the gate has not judged {run_id}; run the gate first ({error})"
        ) from error
    if not verdict.passed and not is_accepted(lake, table, run_id):
        raise GateFailed(_failure(verdict))


def _partitions(stage: TableStage, directory: Path) -> list[tuple[str, tuple[Path, ...]]]:
    """Fetch the staged files; return them by partition, those that become empty included."""
    paths = download_all({file.uri: file.bytes_parquet for file in stage.files}, directory)
    return [
        (partition, tuple(paths[file.uri] for file in stage.files if file.partition == partition))
        for partition in stage.partitions
    ]


def _conclude(lake: Lake, report: ReportInput, alerts: Alerts | None) -> Verdict:
    """Write history, report and verdict; the verdict after them, because it is what publishing asks for.

    People are told last: what they are pointed to is there.
    """
    ops = Bucket(lake.bucket(Zone.OPS))
    page = report_key(report.table, report.period, report.run_id)
    iceberg.append(QUALITY_RESULTS.load(lake), history_rows(report.results))
    ops.write(page, render_report(report).encode())
    for result in report.results:
        key = validation_key(report.table, report.period, report.run_id, result.name)
        ops.write(key, report_json(result).encode())
    verdict = Verdict(
        table=report.table, run_id=report.run_id, results=report.results, report_uri=uri(ops.name, page)
    )
    ops.write(verdict_key(report.table, report.run_id), verdict.model_dump_json().encode())
    refresh_index(ops, report.table, report.description)
    if alerts is not None:
        judged = JudgedRun(verdict, report.period, report.accounting)
        Outbox(lake).post(report.table, gate_alerts(alerts, judged))
    if not verdict.passed:
        raise GateFailed(_failure(verdict))
    return verdict


def _failure(verdict: Verdict) -> str:
    broken = [
        f"{result.partition} {rule.rule}: {rule.observed}"
        for result in verdict.results
        for rule in result.blocking
    ]
    more = f" (and {len(broken) - _MAX_NAMED} more)" if len(broken) > _MAX_NAMED else ""
    return (
        f"{verdict.table}: nothing was published, because {'; '.join(broken[:_MAX_NAMED])}{more}. "
        f"Report: {verdict.report_uri}"
    )
