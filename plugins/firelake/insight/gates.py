"""What the gate found, by run, folded from the history of rules; and each rule's own history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import And, BooleanExpression, EqualTo, GreaterThanOrEqual, LessThanOrEqual

from firelake import aws
from firelake.insight.daily import Fold
from firelake.layout import Lake
from firelake.outcome import Outcome
from firelake.quality.history import TIME_COLUMN
from firelake.tables import QUALITY_RESULTS

_SQL = """
SELECT table_name, run_id, max(evaluated_at) AS evaluated_at, count(*) AS rules,
    count(*) FILTER (success) AS held,
    count(*) FILTER (NOT success AND (errored OR severity = 'critical')) AS blocking,
    string_agg(DISTINCT partition_key, ',' ORDER BY partition_key) AS partitions
FROM entries GROUP BY ALL ORDER BY table_name
"""
FOLD = Fold(
    QUALITY_RESULTS,
    ("table_name", "partition_key", "run_id", "severity", "success", "errored", TIME_COLUMN),
    _SQL,
)
_RULE_COLUMNS = (
    "partition_key",
    "run_id",
    "rule",
    "column_name",
    "severity",
    "success",
    "errored",
    "observed",
    "observed_value",
    "rows_checked",
    "rows_bad",
    TIME_COLUMN,
)


class GateRun(Outcome):
    """What the gate said of one run.

    Parameters
    ----------
    partitions
        What was judged: event partitions, and the run's arrival period for rules about the whole run.
    rules, held, blocking
        Checks made, those that held, and those that failed and forbid publishing.
    """

    table: str
    run_id: str
    evaluated_at: datetime
    partitions: tuple[str, ...]
    rules: int
    held: int
    blocking: int

    @property
    def passed(self) -> bool:
        """Whether the run could be published."""
        return not self.blocking

    @property
    def remarks(self) -> int:
        """Checks that failed without blocking."""
        return self.rules - self.held - self.blocking


@dataclass(frozen=True)
class Gates:
    """The folded history of some tables' recent days."""

    rows: pa.Table

    def of(self, table: str) -> list[GateRun]:
        """Return one table's runs, the latest first."""
        rows = self.rows.filter(pc.equal(self.rows["table_name"], table)).to_pylist()
        by_run: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_run.setdefault(row["run_id"], []).append(row)
        runs = [_run(found) for found in by_run.values()]
        return sorted(runs, key=lambda run: (run.evaluated_at, run.run_id), reverse=True)

    def latest(self) -> dict[str, GateRun]:
        """Return each table's latest run."""
        newest = self.rows.group_by("table_name").aggregate([(TIME_COLUMN, "max")])
        joined = self.rows.join(newest, keys=["table_name"], join_type="inner")
        rows = joined.filter(pc.equal(joined[TIME_COLUMN], joined[f"{TIME_COLUMN}_max"])).to_pylist()
        return {row["table_name"]: _run([row]) for row in rows}


class RuleOutcome(Outcome):
    """What one check found."""

    partition: str
    run_id: str
    rule: str
    column: str | None
    severity: str
    success: bool
    errored: bool
    observed: str
    observed_value: float | None
    rows_checked: int | None
    rows_bad: int | None
    evaluated_at: datetime


class RuleHistory(Outcome):
    """One rule's outcomes, the oldest first."""

    rule: str
    severity: str
    column: str | None
    outcomes: tuple[RuleOutcome, ...]

    @property
    def failures(self) -> int:
        """How often it did not hold."""
        return sum(not outcome.success for outcome in self.outcomes)

    @property
    def last(self) -> RuleOutcome:
        """The latest outcome."""
        return self.outcomes[-1]


def recent_outcomes(lake: Lake, table: str, since: datetime) -> list[RuleOutcome]:
    """Return what the checks of a table found from some time on, the oldest first."""
    return _outcomes(lake, And(EqualTo(term="table_name", value=table), _from(since)))


def outcomes_of_run(lake: Lake, gate: GateRun, since: datetime) -> list[RuleOutcome]:
    """Return what each check of a run found.

    Parameters
    ----------
    since
        When the run began: what was judged before is not read.
    """
    wanted = And(EqualTo(term="table_name", value=gate.table), EqualTo(term="run_id", value=gate.run_id))
    until = LessThanOrEqual(term=TIME_COLUMN, value=_naive(gate.evaluated_at))
    return _outcomes(lake, And(wanted, And(_from(since), until)))


def _outcomes(lake: Lake, wanted: BooleanExpression) -> list[RuleOutcome]:
    table = QUALITY_RESULTS.load(lake)
    with aws.reaching(f"table {'.'.join(table.name())}"):
        rows = table.scan(row_filter=wanted, selected_fields=_RULE_COLUMNS).to_arrow().to_pylist()
    outcomes = [
        RuleOutcome(
            partition=row.pop("partition_key"),
            column=row.pop("column_name"),
            evaluated_at=row.pop(TIME_COLUMN).replace(tzinfo=UTC),
            **row,
        )
        for row in rows
    ]
    return sorted(outcomes, key=lambda one: (one.evaluated_at, one.partition, one.rule))


def _from(since: datetime) -> BooleanExpression:
    return GreaterThanOrEqual(term=TIME_COLUMN, value=_naive(since))


def _naive(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat()


def rule_histories(outcomes: Iterable[RuleOutcome]) -> list[RuleHistory]:
    """Return each rule's history: those that failed last or most come first."""
    by_rule: dict[str, list[RuleOutcome]] = {}
    for outcome in outcomes:
        by_rule.setdefault(outcome.rule, []).append(outcome)
    histories = [
        RuleHistory(rule=rule, severity=found[-1].severity, column=found[-1].column, outcomes=tuple(found))
        for rule, found in by_rule.items()
    ]
    return sorted(histories, key=lambda one: (one.last.success, -one.failures, one.rule))


def days_before(now: datetime, days: int) -> datetime:
    """Return the beginning of the day some days ago."""
    return (now - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)


def _run(rows: list[dict[str, Any]]) -> GateRun:
    first = rows[0]
    return GateRun(
        table=first["table_name"],
        run_id=first["run_id"],
        evaluated_at=max(row[TIME_COLUMN] for row in rows).replace(tzinfo=UTC),
        partitions=tuple(sorted({part for row in rows for part in row["partitions"].split(",")})),
        rules=sum(row["rules"] for row in rows),
        held=sum(row["held"] for row in rows),
        blocking=sum(row["blocking"] for row in rows),
    )
