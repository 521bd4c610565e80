"""What people are told of a gate's verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firelake.alerts.alert import Alert
from firelake.outcome import Accounting
from firelake.quality.result import GateResult, RuleResult
from firelake.quality.verdict import Verdict
from firelake.runs import first_try
from firelake.spec.alerts import AlertEvent, Alerts

_MAX_NAMED = 10
_MAX_EXAMPLES = 3


@dataclass(frozen=True)
class JudgedRun:
    """A run that the gate has judged.

    Parameters
    ----------
    period
        What the run took in, or the partition it computed.
    accounting
        Where its records went; None for a summary.
    """

    verdict: Verdict
    period: str
    accounting: Accounting | None = None


def gate_alerts(declared: Alerts, run: JudgedRun) -> tuple[Alert, ...]:
    """Return what people are to be told of a run, by their declaration."""
    found = dict(_found(declared, run))
    return tuple(
        Alert(
            topic=declared.sns_topic,
            table=run.verdict.table,
            event=event,
            # However often a run has to be staged, it is the same run to people.
            occasion=first_try(run.verdict.run_id),
            title=f"{run.verdict.table} {run.period}: {title}",
            text="\n".join([*lines, "", *_where(run), "", "What to do:", *_what_to_do(event, run)]),
        )
        for event, (title, lines) in found.items()
        if event in declared.events
    )


def _found(declared: Alerts, run: JudgedRun) -> Iterator[tuple[AlertEvent, tuple[str, list[str]]]]:
    failed = [(result, rule) for result in run.verdict.results for rule in result.failed]
    if not run.verdict.passed:
        lines = ["Nothing was published. Readers still see what was there before.", "", *_named(failed)]
        yield AlertEvent.GATE_FAILED, ("nothing was published", lines)
    elif failed:
        yield AlertEvent.GATE_WARNED, ("published with remarks", ["The gate passed.", "", *_named(failed)])
    if run.accounting is None or declared.quarantine_rate is None or not run.accounting.records_in:
        return
    rate = run.accounting.records_quarantined / run.accounting.records_in
    if rate > declared.quarantine_rate:
        title = f"{rate:.2%} of records refused"
        said = f"{title}; up to {declared.quarantine_rate:.2%} is nobody's concern."
        yield AlertEvent.QUARANTINE_RATE, (title, [said, "", str(run.accounting)])


def _named(failed: list[tuple[GateResult, RuleResult]]) -> Iterator[str]:
    for result, rule in failed[:_MAX_NAMED]:
        yield f"{rule.rule} ({rule.severity}, {result.partition}): {rule.observed}"
        yield f"  {rule.description}"
        if rule.sample:
            yield f"  for example {', '.join(str(value) for value in rule.sample[:_MAX_EXAMPLES])}"
    if len(failed) > _MAX_NAMED:
        yield f"and {len(failed) - _MAX_NAMED} more"


def _where(run: JudgedRun) -> Iterator[str]:
    verdict = run.verdict
    yield f"Report: {verdict.report_uri}"
    yield f"Run: {verdict.run_id}"
    if run.accounting is not None and run.accounting.records_quarantined:
        yield f"Refused: firelake quarantine show {verdict.table} --run {verdict.run_id}"


def _what_to_do(event: AlertEvent, run: JudgedRun) -> Iterator[str]:
    table = run.verdict.table
    again = (
        f"run it again: trigger {table}__summary with the partition key {run.period}."
        if run.accounting is None
        else f"run it again: firelake run {table} --{_periods(run.period)}"
    )
    match event:
        case AlertEvent.GATE_FAILED:
            yield "Read the report. Correct the source, the declaration or the suite; then"
            yield again
        case AlertEvent.QUARANTINE_RATE:
            yield "Look at what was refused. Ask its sender, or correct the declaration; then"
            yield again
        case _:
            yield "Read the report. If it is right, correct the rule or its severity in the suite."


def _periods(key: str) -> str:
    first, slash, last = key.partition("/")
    return f"since {first} --until {last}" if slash else f"period {first}"
