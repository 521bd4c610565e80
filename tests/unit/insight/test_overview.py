"""How tables stand: who breaks a promise, and who comes first."""

from datetime import UTC, datetime, timedelta

import pytest
from firelake.insight.flows import Counts, PeriodFlow
from firelake.insight.gates import GateRun
from firelake.insight.holdings import Holding
from firelake.insight.overview import LakeState, Overview
from firelake.insight.subject import Subject

from tests.unit.compact.lake import dataset

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def subject(name: str) -> Subject:
    return Subject.of_dataset(dataset(name=name, raw={"prefix": f"{name}/"}, freshness="26h"))


def holding(name: str, age_h: float | None) -> Holding:
    newest = None if age_h is None else NOW - timedelta(hours=age_h)
    return Holding(table=name, rows=7, files=1, bytes_parquet=9, newest=newest, committed_at=NOW)


def gate(name: str, blocking: int) -> GateRun:
    return GateRun(
        table=name,
        run_id="r",
        evaluated_at=NOW,
        partitions=("p",),
        rules=3,
        held=3 - blocking,
        blocking=blocking,
    )


def state(ages: dict[str, float | None], blocked: str = "") -> LakeState:
    return LakeState(
        holdings={name: holding(name, age) for name, age in ages.items()},
        gates={name: gate(name, int(name == blocked)) for name in ages},
        days={
            name: [PeriodFlow(period="2026-11-21", counts=Counts(records_in=4, trusted=4))] for name in ages
        },
        tiers=None,
    )


@pytest.mark.parametrize(("age_h", "stale"), [(25.9, False), (26.1, True), (None, False), (-1.0, False)])
def test_a_promise_is_broken_by_the_age_of_the_newest_record(age_h: float | None, stale: bool) -> None:
    line = state({"one": age_h}).line(subject("one"), NOW)
    assert line.stale is stale
    assert line.age is None or line.age >= timedelta()


def test_what_needs_somebody_comes_first() -> None:
    known = state({"fine": 1, "late": 30, "blocked": 1, "empty": None}, blocked="blocked")
    found = Overview.of(
        (known.line(subject(name), NOW) for name in ("empty", "fine", "late", "blocked")), "USD"
    )
    assert [line.subject.name for line in found.datasets] == ["blocked", "late", "fine", "empty"]
    assert (found.blocked, found.stale, found.empty) == (1, 1, 1)
    assert found.rows == 28
    assert found.counts == Counts(records_in=16, trusted=16)
    assert (found.bytes_stored, found.per_month) == (None, None)


def test_a_table_of_which_nothing_is_known_is_shown_all_the_same() -> None:
    line = LakeState({}, {}, {}, None).line(subject("new"), NOW)
    assert (line.holding, line.age, line.gate, line.blocked, line.days) == (None, None, None, False, ())
    assert Overview.of([line], "").rows == 0
