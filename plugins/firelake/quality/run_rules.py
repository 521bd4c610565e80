"""Rules about a whole run rather than one partition: what it refused, and how much of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from firelake.outcome import Stage
from firelake.quality.gate import GateSubject
from firelake.quality.result import GateResult, RuleResult, Severity
from firelake.quality.split import judge_failed
from firelake.spec import Dataset
from firelake.storage import download_all


def judge_run(dataset: Dataset, stage: Stage, directory: Path) -> GateResult:
    """Judge what a run refused, over all its partitions.

    Parameters
    ----------
    directory
        Where the rows that failed rules may be put.
    """
    rules = (_quarantine_rate(dataset, stage), *_failed_rows(dataset, stage, directory))
    return GateResult(
        table=dataset.name,
        partition=stage.period,
        run_id=stage.run_id,
        suite=str(dataset.quality.suite),
        evaluated_at=datetime.now(UTC),
        rules=rules,
        seconds=sum(rule.seconds for rule in rules),
        of_run=True,
    )


def _quarantine_rate(dataset: Dataset, stage: Stage) -> RuleResult:
    accounting = stage.accounting
    refused, ceiling = accounting.records_quarantined, dataset.quality.max_quarantine_rate
    rate = refused / accounting.records_in if accounting.records_in else 0.0
    return RuleResult(
        rule="spec.max_quarantine_rate",
        type="quarantine_rate",
        column=None,
        severity=Severity.CRITICAL,
        description=f"At most {ceiling:.1%} of a run's records may be quarantined.",
        success=rate <= ceiling,
        errored=False,
        rows_checked=accounting.records_in,
        rows_bad=refused,
        observed=f"{rate:.2%} of {accounting.records_in} records",
        sample=tuple(f"{reason}: {count}" for reason, count in accounting.quarantined.items()),
        seconds=0.0,
    )


def _failed_rows(dataset: Dataset, stage: Stage, directory: Path) -> tuple[RuleResult, ...]:
    if stage.failed is None:
        return ()
    directory.mkdir(parents=True, exist_ok=True)
    files = tuple(download_all({stage.failed.uri: None}, directory).values())
    subject = GateSubject.of_dataset(dataset, stage.period, stage.run_id, files)
    return judge_failed(subject, stage.failed.by_rule)
