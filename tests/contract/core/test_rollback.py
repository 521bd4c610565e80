"""Going back to an earlier snapshot, and forward again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from firelake import iceberg
from firelake.books import Books
from firelake.errors import FirelakeError
from firelake.ledger import Ledger
from firelake.reconcile import reconcile_all
from firelake.rollback import Rollback
from firelake.tables import quarantine, trusted

from tests.contract.core.lake import DAY, TestLake, body_of, record

LATER = DAY + timedelta(days=9)
WRONG = {**record(7), "d": "no number"}


def snapshots(lake: TestLake) -> list[int]:
    return [snapshot.snapshot_id for snapshot in trusted(lake.dataset).load(lake.lake).metadata.snapshots]


def rollback(lake: TestLake) -> Rollback:
    return Rollback(lake.lake, lake.dataset)


def test_what_was_rolled_back_is_held_until_its_period_is_run_again(lake: TestLake) -> None:
    lake.put(DAY, body_of([record(1), WRONG]))
    lake.run("2026-11-21")
    before = (lake.trusted(), lake.quarantined())
    bad = lake.put(DAY + timedelta(days=1), body_of([record(2), record(1), {**WRONG, "v": 9}]))
    lake.run("2026-11-22")
    after = (lake.trusted(), lake.quarantined())
    good, _ = snapshots(lake)

    (offered,) = rollback(lake).snapshots()
    assert (offered.snapshot_id, offered.rows, offered.objects_taken_back) == (good, 1, 1)
    plan = rollback(lake).plan(good)
    assert (plan.held, plan.reinstated, plan.periods) == ((bad,), (), ("2026-11-22",))
    assert (lake.trusted(), lake.quarantined()) == after

    rollback(lake).run(good, "test")
    assert (lake.trusted(), lake.quarantined()) == before
    found = reconcile_all(lake.lake, lake.dataset, LATER)
    assert (found.held, found.forgotten, found.wrong) == ((bad,), (), ())
    assert not found.complete

    # The next period's run sweeps what came late, and not what was taken back on purpose.
    lake.run("2026-11-23")
    assert lake.trusted() == before[0]

    lake.run("2026-11-22")
    assert lake.trusted() == after[0]
    assert reconcile_all(lake.lake, lake.dataset, LATER).complete


def test_an_object_that_was_run_again_stands_as_the_first_run_left_it(lake: TestLake) -> None:
    key = lake.put(DAY + timedelta(hours=2), body_of([record(1), record(2), WRONG]))
    lake.run("2026-11-21")
    before = (lake.trusted(), lake.quarantined())
    stricter = TestLake(lake.lake, lake.dataset.model_copy(update={"max_lateness": timedelta(seconds=1)}))
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    stricter.run("2026-11-21")
    assert lake.trusted() == []

    plan = rollback(lake).plan(snapshots(lake)[0])
    assert plan.reinstated == (key,)
    rollback(lake).run(plan.snapshot_id, "test")
    assert (lake.trusted(), lake.quarantined()) == before
    assert reconcile_all(lake.lake, lake.dataset, LATER).wrong == ()


def test_a_rollback_that_died_before_its_entries_is_written_down_by_the_next_run(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(DAY, body_of([record(1)]))
    lake.run("2026-11-21")
    lake.put(DAY + timedelta(days=1), body_of([record(2)]))
    lake.run("2026-11-22")
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "_take_back", _die)
        with pytest.raises(KeyboardInterrupt):
            rollback(lake).run(snapshots(lake)[0], "test")
    assert Books.of(lake.ledger()).totals.trusted == 2
    Ledger(lake.lake, lake.dataset).catch_up()
    assert Books.of(lake.ledger()).totals.trusted == 1 == len(lake.trusted())
    entries = lake.ledger()
    Ledger(lake.lake, lake.dataset).catch_up()
    assert lake.ledger() == entries


def test_a_stage_that_was_rolled_back_is_published_again_and_not_taken_for_done(lake: TestLake) -> None:
    lake.put(DAY, body_of([record(1)]))
    lake.run("2026-11-21")
    lake.put(DAY + timedelta(days=1), body_of([record(2)]))
    stage = lake.stage("2026-11-22")
    lake.publish(stage)
    rollback(lake).run(snapshots(lake)[0], "test")
    lake.publish(stage)
    assert [row["device"] for row in lake.trusted()] == [1, 2]
    assert reconcile_all(lake.lake, lake.dataset, LATER).complete


def test_a_run_that_publishes_meanwhile_is_taken_into_account(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(DAY, body_of([record(1)]))
    lake.run("2026-11-21")
    good = snapshots(lake)[0]
    lake.put(DAY + timedelta(days=1), body_of([record(2)]))
    lake.run("2026-11-22")
    late = lake.put(DAY + timedelta(days=2), body_of([record(3)]))
    restore = iceberg.restore

    def after_another_run(*args: object) -> object:
        monkeypatch.setattr(iceberg, "restore", restore)
        lake.run("2026-11-23")
        return restore(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(iceberg, "restore", after_another_run)
    assert late in rollback(lake).run(good, "test").plan.held
    assert [row["device"] for row in lake.trusted()] == [1]


def test_what_cannot_be_restored_is_refused_before_anything_changes(lake: TestLake) -> None:
    key = lake.put(DAY, body_of([record(1), WRONG]))
    lake.run("2026-11-21")
    lake.run("2026-11-21")
    table = quarantine(lake.dataset).load(lake.lake)
    first = table.metadata.snapshots[0].snapshot_id
    table.maintenance.expire_snapshots().by_ids([first]).commit()
    rows = lake.trusted()
    with pytest.raises(FirelakeError, match=f"refused of {key} is in no snapshot"):
        rollback(lake).run(snapshots(lake)[0], "test")
    assert lake.trusted() == rows
    with pytest.raises(FirelakeError, match="there is no snapshot 5"):
        rollback(lake).plan(5)


def _die(*_: object) -> None:
    raise KeyboardInterrupt
