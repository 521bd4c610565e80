from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from firelake import iceberg
from firelake.errors import FirelakeError
from firelake.layout import Zone
from firelake.maintain import Maintained, Maintenance
from firelake.periods import Grain, PeriodRange
from firelake.reconcile import reconcile
from firelake.spec.dataset import Lifecycle
from firelake.storage import Bucket
from firelake.tables import LEDGER, quarantine, trusted

from tests.contract.core.lake import DAY, TestLake, body_of, record

GRACE = timedelta(hours=1)


def maintained(lake: TestLake, *, apply: bool, later: timedelta = timedelta(0)) -> dict[str, Maintained]:
    maintenance = Maintenance(lake.lake, GRACE, apply=apply, now=datetime.now(UTC) + later)
    return {found.target: found for found in maintenance.run([lake.dataset], [])}


def keys(lake: TestLake, zone: Zone) -> set[str]:
    return {info.key for info in Bucket(lake.lake.bucket(zone)).list(f"{lake.dataset.name}/")}


def test_what_nobody_can_need_goes_and_everything_else_stays(lake: TestLake) -> None:
    for number in range(5):
        lake.put(DAY + timedelta(hours=number), body_of([record(number), {**record(9), "d": "x"}]))
        lake.run("2026-11-21")
    abandoned = {file.uri for file in lake.stage("2026-11-21").trusted.files}
    rows, refused, ledger = lake.trusted(), lake.quarantined(), lake.ledger()
    before = keys(lake, Zone.TRUSTED)
    name = f"trusted.{lake.dataset.name}"

    at_once = maintained(lake, apply=True)
    assert at_once[name].idle
    assert "2026-11-21" in at_once["ops.ledger"].partitions_joined
    assert keys(lake, Zone.TRUSTED) == before

    later = timedelta(hours=2)
    planned = maintained(lake, apply=False, later=later)
    assert keys(lake, Zone.TRUSTED) == before
    done = maintained(lake, apply=True, later=later)
    assert planned[name] == done[name]
    assert done[name].snapshots_expired == 4
    assert not abandoned & {
        f"s3://{lake.lake.bucket(Zone.TRUSTED)}/{key}" for key in keys(lake, Zone.TRUSTED)
    }
    assert (lake.trusted(), lake.quarantined(), lake.ledger()) == (rows, refused, ledger)
    table = trusted(lake.dataset).load(lake.lake)
    assert len(table.metadata.snapshots) == 1
    data = {key for key in keys(lake, Zone.TRUSTED) if key.endswith(".parquet")}
    assert data == {task.file.file_path.split("/", 3)[3] for task in table.scan().plan_files()}
    assert lake.run("2026-11-21").accounting.balanced


def test_a_reader_keeps_a_snapshot_that_was_current_until_now(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    lake.run("2026-11-21")
    reader = trusted(lake.dataset).load(lake.lake)
    # A long time passes; then the snapshot that the reader is in is replaced.
    lake.put(DAY + timedelta(hours=2), body_of([record(2)]))
    lake.run("2026-11-21")
    replaced_at = trusted(lake.dataset).load(lake.lake).metadata.snapshots[-1].timestamp_ms
    now = datetime.fromtimestamp(replaced_at / 1000, UTC) + GRACE - timedelta(seconds=1)
    list(Maintenance(lake.lake, GRACE, apply=True, now=now).run([lake.dataset], []))
    assert reader.scan().to_arrow()["device"].to_pylist() == [1]


def test_entries_of_a_dead_run_are_written_before_its_snapshot_goes(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    with monkeypatch.context() as broken:
        broken.setattr("firelake.ledger.Ledger.record", _die)
        with pytest.raises(KeyboardInterrupt):
            lake.run("2026-11-21")
    assert lake.ledger() == []
    maintained(lake, apply=True, later=timedelta(hours=2))
    assert [entry["trusted"] for entry in lake.ledger()] == [1]


def test_a_join_that_lost_to_a_run_changes_nothing(lake: TestLake, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        lake.put(DAY + timedelta(hours=number), body_of([record(number)]))
        lake.run("2026-11-21")
    entries = lake.ledger()
    files = len(list(LEDGER.load(lake.lake).scan().plan_files()))

    def stale(*_: object) -> None:
        raise iceberg.StaleBase("ledger changed")

    monkeypatch.setattr(iceberg, "replace_partitions", stale)
    assert maintained(lake, apply=True)["ops.ledger"].partitions_joined == ()
    assert lake.ledger() == entries
    assert len(list(LEDGER.load(lake.lake).scan().plan_files())) == files


def test_refused_records_are_kept_as_long_as_declared_and_never_missing_from_a_snapshot(
    lake: TestLake,
) -> None:
    lifecycle = Lifecycle.model_validate({"quarantine": [{"after": "30d", "expire": True}]})
    keeping = replace(lake, dataset=lake.dataset.model_copy(update={"lifecycle": lifecycle}))
    for offset in (0, 1):
        arrival = DAY + timedelta(days=offset, hours=1)
        keeping.put(arrival, body_of([{**record(1, arrival), "d": "x"}]))
        keeping.run(f"{arrival:%Y-%m-%d}")
    name, data = f"quarantine.{lake.dataset.name}", f"{lake.dataset.name}/data/"
    reader = quarantine(lake.dataset).load(lake.lake)

    def at(moment: datetime, *, apply: bool, grace: timedelta = timedelta(days=90)) -> Maintained:
        maintenance = Maintenance(keeping.lake, grace, apply=apply, now=moment)
        return next(found for found in maintenance.run([keeping.dataset], []) if found.target == name)

    a_month_later = DAY + timedelta(days=31)
    assert at(a_month_later - timedelta(seconds=1), apply=True).partitions_outdated == ()
    assert at(a_month_later, apply=False).partitions_outdated == ("2026-11-21",)
    assert len(keeping.quarantined()) == 2
    assert at(a_month_later, apply=True).partitions_outdated == ("2026-11-21",)
    assert [row["arrived_at"].day for row in keeping.quarantined()] == [22]
    assert at(a_month_later, apply=True).partitions_outdated == ()
    # Who reads the snapshot of before still finds both; when nobody can, the file is gone.
    assert reader.scan().to_arrow().num_rows == 2
    at(datetime.now(UTC) + timedelta(hours=2), apply=True, grace=GRACE)
    kept = {key for key in keys(keeping, Zone.QUARANTINE) if key.startswith(data)}
    assert {key.split("/")[2] for key in kept} == {"2026-11-22"}
    assert [row["arrived_at"].day for row in keeping.quarantined()] == [22]


def test_what_is_kept_no_longer_is_no_fault_of_the_books(lake: TestLake) -> None:
    lifecycle = Lifecycle.model_validate({"quarantine": [{"after": "30d", "expire": True}]})
    keeping = replace(lake, dataset=lake.dataset.model_copy(update={"lifecycle": lifecycle}))
    arrival = datetime.now(UTC) - timedelta(days=40)
    keeping.put(arrival, body_of([{**record(1, arrival), "d": "x"}, record(2, arrival)]))
    keeping.run(f"{arrival:%Y-%m-%d}")
    period = PeriodRange.parse(f"{arrival:%Y-%m-%d}", Grain.DAY)
    list(Maintenance(keeping.lake, timedelta(days=90), apply=True).run([keeping.dataset], []))
    assert keeping.quarantined() == []
    assert reconcile(keeping.lake, keeping.dataset, period).complete
    # A dataset that keeps all of them misses one.
    assert not reconcile(lake.lake, lake.dataset, period).complete


def test_a_grace_shorter_than_a_run_is_refused(lake: TestLake) -> None:
    with pytest.raises(FirelakeError, match="at least 1h"):
        Maintenance(lake.lake, timedelta(minutes=5))


def _die(*_: object) -> None:
    raise KeyboardInterrupt
