"""The page that lists a table's quality reports: runs, verdicts, what failed, and how it went over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from firelake.layout import report_index_key, split_uri, verdict_prefix
from firelake.quality import report_view
from firelake.quality.report import template
from firelake.quality.verdict import Verdict
from firelake.storage import Bucket

_MAX_RUNS = 100
_RATE_RULE = "spec.max_quarantine_rate"


@dataclass(frozen=True)
class IndexedRun:
    """One run's line.

    Parameters
    ----------
    link
        The report's address, seen from the index.
    failed
        Rules that did not hold, blocking ones first.
    quarantined
        The share of the run's records that were refused; None for summaries.
    """

    link: str
    period: str
    run_id: str
    evaluated_at: datetime
    outcome: report_view.Verdict
    failed: tuple[str, ...]
    rows: int
    quarantined: float | None

    @classmethod
    def of(cls, verdict: Verdict) -> IndexedRun:
        """Read a line off a verdict."""
        folder = report_index_key(verdict.table).removesuffix("index.html")
        link = split_uri(verdict.report_uri)[1].removeprefix(folder)
        failures = [report_view.Failure(one, rule) for one in verdict.results for rule in one.failed]
        rates = [rule for one in verdict.results for rule in one.rules if rule.rule == _RATE_RULE]
        judged = [one for one in verdict.results if not any(rule in rates for rule in one.rules)]
        return cls(
            link=link,
            period=link.rpartition("/")[0],
            run_id=verdict.run_id,
            evaluated_at=max(one.evaluated_at for one in verdict.results),
            outcome=report_view.verdict(verdict.results),
            failed=tuple(dict.fromkeys(one.rule.rule for one in sorted(failures, key=lambda one: one.order))),
            rows=sum(max((rule.rows_checked or 0 for rule in one.rules), default=0) for one in judged),
            quarantined=next(((rule.rows_bad or 0) / max(1, rule.rows_checked or 0) for rule in rates), None),
        )


def refresh_index(ops: Bucket, table: str, description: str) -> None:
    """Write the index anew from the verdicts in the lake.

    Runs that end at the same time cannot lose each other: whoever writes last has looked once more
    after writing, and writes again if there is a verdict that its page lacks.
    """
    listed = _latest(ops, table)
    while True:
        runs = [IndexedRun.of(Verdict.model_validate_json(body)) for body in ops.read_all(listed)]
        ops.write(report_index_key(table), render_index(table, description, runs).encode())
        written, listed = listed, _latest(ops, table)
        if listed == written:
            return


def render_index(table: str, description: str, runs: list[IndexedRun]) -> str:
    """Return the index as an HTML page without scripts or anything to fetch."""
    latest_first = sorted(runs, key=lambda run: (run.evaluated_at, run.run_id), reverse=True)
    return template("index.html.j2").render(
        table=table,
        description=description,
        runs=latest_first,
        most_rows=max((run.rows for run in runs), default=0),
    )


def _latest(ops: Bucket, table: str) -> list[str]:
    verdicts = sorted(ops.list(verdict_prefix(table)), key=lambda found: (found.modified_at, found.key))
    return [found.key for found in verdicts[-_MAX_RUNS:]]
