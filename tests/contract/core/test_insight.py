"""What pages are told of a real lake is what happened in it, and what has not changed is not read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from firelake import publish
from firelake.errors import LakeUnreachable
from firelake.insight import daily, flows
from firelake.insight.daily import DailyFold
from firelake.insight.flows import Flows
from firelake.insight.holdings import Holdings, holding
from firelake.insight.intake import intake
from firelake.insight.reading import Reading
from firelake.insight.run import RunState
from firelake.insight.subject import Declared, Subject
from firelake.insight.tiers import list_tiers
from firelake.layout import Lake, Zone
from firelake.outcome import Stage
from firelake.quality import checkpoint
from firelake.status import status
from firelake.tables import trusted

from tests.contract.core.lake import DAY, TestLake, body_of, record

TODAY = DAY + timedelta(days=1, hours=12)
PERIOD = "2026-11-21"


def clock() -> datetime:
    return TODAY


def reading_of(lake: TestLake) -> Reading:
    return Reading(lake.lake, lambda: Declared((lake.dataset,), ()), clock)


def subject_of(lake: TestLake) -> Subject:
    return Subject.of_dataset(lake.dataset)


@pytest.fixture
def judged(lake: TestLake) -> Callable[[str], Stage]:
    """Give a function that stages a period, judges it, and publishes it."""

    def run(period: str) -> Stage:
        stage = lake.stage(period)
        address = publish.save_stage(lake.lake, stage)
        checkpoint.judge_stage(lake.lake, lake.dataset, stage)
        publish.publish(lake.lake, lake.dataset, stage, address)
        return stage

    return run


def test_a_run_is_told_as_it_was(lake: TestLake, judged: Callable[[str], Stage]) -> None:
    lake.put(DAY + timedelta(hours=3), body_of([*map(record, range(50)), record(7), {"d": None}]))
    stage = judged(PERIOD)
    reading, name = reading_of(lake), lake.dataset.name

    run = reading.run(name, stage.run_id)
    assert run is not None
    assert (run.state, run.period, run.accounting) == (RunState.PUBLISHED, PERIOD, stage.accounting)
    assert stage.accounting.balanced
    assert [(part.partition, part.rows, part.rows_before) for part in run.partitions] == [(PERIOD, 50, 0)]
    assert run.objects == stage.objects
    assert {check.rule for check in run.checks} >= {"spec.max_quarantine_rate"}
    assert run.failed == ()

    assert run.report_key is not None
    assert stage.run_id.encode() in reading.report(run.report_key)
    (refused,) = reading.refused(lake.dataset, stage.run_id, None)
    assert stage.accounting.quarantined == {refused.reason: 1}
    assert reading.refused(lake.dataset, stage.run_id, "another reason") == []
    assert reading.runs_of_origin(name, "test") == [stage.run_id]
    assert reading.runs_of_origin(name, "tes") == []
    assert reading.run(name, "unheard-of") is None


def test_a_table_stands_as_its_status_says(lake: TestLake, judged: Callable[[str], Stage]) -> None:
    for day in (DAY - timedelta(days=1), DAY):
        lake.put(day + timedelta(hours=3), body_of(record(number, day) for number in range(20)))
        judged(f"{day:%Y-%m-%d}")
    reading, name = reading_of(lake), lake.dataset.name
    known = status(lake.lake, lake.dataset, TODAY)

    (line,) = reading.overview([name]).datasets
    assert line.holding is not None
    assert (line.holding.rows, line.holding.files) == (known.rows, known.files) == (40, 2)
    assert line.holding.newest == known.newest
    assert line.stale == known.stale
    assert line.counts.model_dump(include={"records_in", "trusted"}) == {"records_in": 40, "trusted": 40}
    assert line.gate is not None
    assert line.gate.passed

    detail = reading.detail(name)
    assert [(part.partition, part.rows) for part in detail.partitions] == [(PERIOD, 20), ("2026-11-20", 20)]
    assert [(one.rows, one.current) for one in detail.snapshots] == [(40, True), (20, False)]
    assert [column.name for column in detail.columns] == list(trusted(lake.dataset).column_names)
    assert line.gate.run_id in detail.run_ids
    latest, _ = reading.flows(name).runs()
    assert latest.run_id == line.gate.run_id


def test_what_no_run_took_in_is_named_once_a_run_should_have(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    lake.run(PERIOD)
    found = intake(lake.lake, lake.dataset, TODAY)
    assert (found.objects, found.waiting, found.forgotten) == (1, 0, 0)
    late = lake.put(DAY + timedelta(hours=2), body_of([record(2)]))
    found = intake(lake.lake, lake.dataset, TODAY)
    assert (found.waiting, found.forgotten) == (1, 0)
    found = intake(lake.lake, lake.dataset, TODAY + timedelta(days=2))
    assert (found.waiting, found.forgotten, found.named) == (0, 1, (late,))


def test_only_days_that_changed_are_read_again(lake: TestLake, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    apply = daily.Fold.apply

    def counted(self: daily.Fold, entries: pa.Table) -> pa.Table:
        read.append(entries.num_rows)
        return apply(self, entries)

    monkeypatch.setattr(daily.Fold, "apply", counted)
    fold = DailyFold(lake.lake, flows.FOLD, 5, clock)

    def put(day: datetime, number: int) -> None:
        lake.put(day + timedelta(hours=1), body_of([record(number, day)]))
        lake.run(f"{day:%Y-%m-%d}")

    put(DAY - timedelta(days=1), 1)
    put(DAY, 2)
    assert Flows(fold.read()).of(lake.dataset.name).total().trusted == 2
    read.clear()
    assert Flows(fold.read()).of(lake.dataset.name).total().trusted == 2
    assert read == []
    put(DAY, 3)
    total = Flows(fold.read()).of(lake.dataset.name).total()
    assert (total.records_in, total.trusted, total.balanced) == (3, 3, True)
    assert len(read) == 1


def test_only_tables_that_changed_are_read_again(lake: TestLake, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    holdings = Holdings(lake.lake, Zone.TRUSTED)

    def counted(declaration: object, table: object) -> object:
        read.append(lake.dataset.name)
        return holding(declaration, table)  # type: ignore[arg-type]

    monkeypatch.setattr("firelake.insight.holdings.holding", counted)
    declarations = [trusted(lake.dataset)]
    assert holdings.read(declarations)[lake.dataset.name].rows == 0
    assert holdings.read(declarations)[lake.dataset.name].newest is None
    assert len(read) == 1
    lake.put(DAY, body_of([record(1)]))
    lake.run(PERIOD)
    assert holdings.read(declarations)[lake.dataset.name].rows == 1
    assert len(read) == 2


def test_tiers_hold_every_object(lake: TestLake) -> None:
    bodies = [body_of([record(number)]) for number in range(3)]
    for body in bodies:
        lake.put(DAY, body)
    zones = {
        zone.zone: zone for zone in list_tiers(lake.lake, [lake.dataset], clock).zones[lake.dataset.name]
    }
    (tier,) = zones[Zone.RAW].tiers
    assert (tier.storage_class, tier.objects, tier.size_bytes) == ("STANDARD", 3, sum(map(len, bodies)))
    assert zones[Zone.TRUSTED].tiers == ()


def test_a_lake_that_is_gone_is_named(lake: TestLake) -> None:
    gone = Reading(Lake("nowhere-at-all"), lambda: Declared((lake.dataset,), ()), clock)
    with pytest.raises(LakeUnreachable, match="nowhere-at-all"):
        gone.tiers()
    unmade = lake.dataset.model_copy(update={"name": "unmade"})
    without_table = Reading(lake.lake, lambda: Declared((unmade,), ()), clock)
    with pytest.raises(LakeUnreachable, match="does not exist"):
        without_table.detail("unmade")
