"""What people are told of a gate's verdict: of what they asked for, with where to read on and what to do."""

from __future__ import annotations

from typing import Any

from firelake.alerts.gate import JudgedRun, gate_alerts
from firelake.outcome import Accounting
from firelake.quality.result import RuleResult, Severity
from firelake.quality.verdict import Verdict
from firelake.runs import first_try, new_run_id
from firelake.spec.alerts import AlertEvent, Alerts
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.quality.test_report import result, rule

RUN = "scheduled-2026-11-21-20261122T001500Z-0a1b2c3d"
BAD = rule("cpu_load.share", success=False, rows_bad=3, sample=(39, 90), observed="3 of 9 rows fail")
REMARK = rule("time.row_count", success=False, severity=Severity.WARNING)


def judged(*rules: RuleResult, quarantined: int = 0, **changes: Any) -> JudgedRun:
    verdict = Verdict(table="readings", run_id=RUN, results=(result(*rules),), report_uri="s3://ops/r.html")
    accounting = Accounting(
        raw_objects=1,
        records_in=100,
        trusted_new=100 - quarantined,
        duplicates=0,
        quarantined={"wrong_type": quarantined} if quarantined else {},
        displaced=0,
        bytes_raw=1,
        bytes_json=1,
    )
    return JudgedRun(**{"verdict": verdict, "period": "2026-11-21", "accounting": accounting, **changes})


def declared(**changes: Any) -> Alerts:
    return Alerts.model_validate({"sns_topic": "quality", **changes})


def test_a_block_names_rules_values_report_and_the_command_that_runs_it_again() -> None:
    (alert,) = gate_alerts(declared(), judged(BAD, quarantined=2))
    assert (alert.event, alert.title) == (
        AlertEvent.GATE_FAILED,
        "readings 2026-11-21: nothing was published",
    )
    for said in (
        "cpu_load.share (critical, ",
        "3 of 9 rows fail",
        "for example 39, 90",
        "s3://ops/r.html",
        f"firelake quarantine show readings --run {RUN}",
        "firelake run readings --period 2026-11-21",
    ):
        assert said in alert.text


def test_several_periods_are_run_again_as_a_range() -> None:
    (alert,) = gate_alerts(declared(), judged(BAD, period="2026-11-20/2026-11-21"))
    assert "firelake run readings --since 2026-11-20 --until 2026-11-21" in alert.text


def test_a_summary_is_run_again_by_its_own_dag() -> None:
    (alert,) = gate_alerts(declared(), judged(BAD, accounting=None))
    assert "trigger readings__summary with the partition key 2026-11-21" in alert.text
    assert "quarantine" not in alert.text


def test_a_gate_that_held_tells_nobody() -> None:
    assert gate_alerts(declared(quarantine_rate=0.01), judged(rule(), quarantined=1)) == ()


@given(
    blocked=st.booleans(),
    remarked=st.booleans(),
    quarantined=st.integers(0, 100),
    rate=st.none() | st.floats(0, 1),
    wanted=st.sets(st.sampled_from(AlertEvent), min_size=1),
)
def test_exactly_what_happened_and_was_asked_for_is_told(
    blocked: bool, remarked: bool, quarantined: int, rate: float | None, wanted: set[AlertEvent]
) -> None:
    wanted = wanted - {AlertEvent.QUARANTINE_RATE} if rate is None else wanted | {AlertEvent.QUARANTINE_RATE}
    if not wanted:
        return
    rules = [rule("held"), *([BAD] if blocked else []), *([REMARK] if remarked else [])]
    run = judged(*rules, quarantined=quarantined)
    happened = {
        *({AlertEvent.GATE_FAILED} if blocked else {AlertEvent.GATE_WARNED} if remarked else set()),
        *({AlertEvent.QUARANTINE_RATE} if rate is not None and quarantined / 100 > rate else set()),
    }
    told = gate_alerts(declared(events=sorted(wanted), quarantine_rate=rate), run)
    assert {alert.event for alert in told} == happened & wanted


def test_a_run_that_had_to_be_staged_again_is_one_occasion() -> None:
    first = new_run_id("scheduled-2026-11-21T00-00")
    assert {first_try(first), first_try(new_run_id(first)), first_try(new_run_id(new_run_id(first)))} == {
        first
    }
