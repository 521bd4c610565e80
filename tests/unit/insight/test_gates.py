"""What the gate said, by run and by rule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from firelake.insight.gates import FOLD, Gates, RuleOutcome, rule_histories

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def row(**changes: Any) -> dict[str, Any]:
    known = {
        "table_name": "a",
        "partition_key": "2026-11-21",
        "run_id": "run-1",
        "severity": "critical",
        "success": True,
        "errored": False,
        "evaluated_at": NOON.replace(tzinfo=None),
    }
    return {**known, **changes}


def outcome(rule: str, *, success: bool, minutes: int) -> RuleOutcome:
    return RuleOutcome(
        partition="2026-11-21",
        run_id="run-1",
        rule=rule,
        column=None,
        severity="warning",
        success=success,
        errored=False,
        observed="1",
        observed_value=1.0,
        rows_checked=1,
        rows_bad=None,
        evaluated_at=NOON + timedelta(minutes=minutes),
    )


def gates(*rows: dict[str, Any]) -> Gates:
    return Gates(FOLD.apply(pa.Table.from_pylist(list(rows))))


def test_only_failures_that_block_block() -> None:
    failing = {"success": False}
    (found,) = gates(
        row(),
        row(severity="warning", **failing),
        row(severity="info", errored=True, **failing),
        row(**failing),
    ).of("a")
    assert (found.rules, found.held, found.blocking, found.remarks) == (4, 1, 2, 1)
    assert not found.passed


def test_runs_are_told_apart_and_the_latest_comes_first() -> None:
    later = (NOON + timedelta(hours=1)).replace(tzinfo=None)
    found = gates(
        row(),
        row(partition_key="2026-11-20"),
        row(run_id="run-2", evaluated_at=later, success=False),
        row(table_name="b"),
    )
    assert [run.run_id for run in found.of("a")] == ["run-2", "run-1"]
    assert found.of("a")[1].partitions == ("2026-11-20", "2026-11-21")
    assert {name: (run.run_id, run.passed) for name, run in found.latest().items()} == {
        "a": ("run-2", False),
        "b": ("run-1", True),
    }
    assert found.of("nobody") == []


def test_rules_that_fail_now_come_first_then_those_that_failed_most() -> None:
    histories = rule_histories(
        [
            outcome("always", success=True, minutes=0),
            outcome("once", success=False, minutes=0),
            outcome("once", success=True, minutes=1),
            outcome("now", success=True, minutes=0),
            outcome("now", success=False, minutes=1),
        ]
    )
    assert [(history.rule, history.failures) for history in histories] == [
        ("now", 1),
        ("once", 1),
        ("always", 0),
    ]
    assert not histories[0].last.success
