import gzip
import io
import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from firelake import aws, publish
from firelake.errors import LakeUnreachable
from firelake.iceberg import StaleBase
from firelake.layout import Zone
from firelake.ledger import Ledger
from firelake.periods import Grain
from firelake.spec import Dataset
from firelake.storage import read_object
from firelake.tables import trusted
from pyiceberg.table import Table

from tests.contract.core.lake import DAY, TestLake, body_of, record


def test_a_run_twice_leaves_the_same_rows_and_one_entry_more(lake: TestLake) -> None:
    key = lake.put(DAY + timedelta(hours=9), body_of([record(1), record(2), record(1)]))
    lake.put(DAY + timedelta(hours=10), body_of([record(2)]) + b"")
    first = lake.run("2026-11-21")
    rows = lake.trusted()
    second = lake.run("2026-11-21")
    assert first.accounting == second.accounting
    assert first.accounting.duplicates == 2
    assert lake.trusted() == rows
    assert [row["device"] for row in rows] == [1, 2]
    assert {row["_raw_object"] for row in rows} == {key}
    assert len(lake.ledger()) == 4


def test_eight_first_writers_of_an_empty_partition_all_end_up_in_it(lake: TestLake) -> None:
    # Eight arrival days write to one event day: each with rows of its own and one that all share.
    event_day = DAY
    for offset in range(8):
        rows = [record(offset * 100 + n, event_day) for n in range(1, 21)]
        lake.put(DAY + timedelta(hours=offset, minutes=offset), body_of([*rows, record(160_000, event_day)]))
    periods = [f"2026-11-21T{hour:02d}" for hour in range(8)]
    hourly = TestLake(lake.lake, _hourly(lake))
    with ThreadPoolExecutor(8) as pool:
        published = list(pool.map(hourly.run, periods))
    rows = lake.trusted()
    assert len(published) == 8
    assert sorted(row["device"] for row in rows) == sorted(
        [offset * 100 + n for offset in range(8) for n in range(1, 21)] + [160_000]
    )
    shared = [row for row in rows if row["device"] == 160_000]
    assert [row["_raw_object"].split("/")[4] for row in shared] == ["00"]


def test_readers_see_whole_snapshots_while_runs_publish(lake: TestLake) -> None:
    for offset in range(40):
        lake.put(
            DAY + timedelta(hours=1, minutes=offset), body_of([record(offset * 10 + n) for n in range(10)])
        )
    lake.run("2026-11-21")
    done, seen = Event(), []

    def read() -> None:
        while not done.is_set():
            table = trusted(lake.dataset).load(lake.lake)
            seen.append(sorted(table.scan().to_arrow()["device"].to_pylist()))

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for _ in range(5):
            lake.run("2026-11-21")
        done.set()
        for reader in readers:
            reader.result()
    assert len(seen) > 5
    assert all(devices == list(range(400)) for devices in seen)


def test_a_stage_is_refused_once_its_partition_changed(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    stale = lake.stage("2026-11-21")
    lake.put(DAY + timedelta(hours=2), body_of([record(2)]))
    lake.run("2026-11-21")
    with pytest.raises(StaleBase, match="2026-11-21 changed since staging"):
        lake.publish(stale)
    assert [row["device"] for row in lake.trusted()] == [1, 2]


def test_publishing_the_same_stage_again_changes_nothing(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    stage = lake.stage("2026-11-21")
    assert lake.publish(stage).snapshot_id == lake.publish(stage).snapshot_id
    assert len(lake.trusted()) == 1


def test_entries_of_a_run_that_died_after_its_commit_are_written_by_the_next(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    stage = lake.stage("2026-11-21")
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "record", _die)
        with pytest.raises(KeyboardInterrupt):
            lake.publish(stage)
    assert lake.ledger() == []
    lake.put(DAY + timedelta(days=1, hours=1), body_of([record(2)]))
    lake.run("2026-11-22")
    assert [entry["run_id"] == stage.run_id for entry in lake.ledger()] == [True, False]


def test_a_late_delivery_into_a_processed_day_is_taken_by_the_next_run(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    lake.run("2026-11-21")
    forgotten = lake.put(DAY + timedelta(hours=2), body_of([record(2)]))
    lake.put(DAY + timedelta(days=1, hours=1), body_of([record(3, DAY + timedelta(days=1))]))
    published = lake.run("2026-11-22")
    assert published.accounting.raw_objects == 2
    assert forgotten in {row["_raw_object"] for row in lake.trusted()}
    assert sorted(published.rows) == ["2026-11-21", "2026-11-22"]
    assert lake.run("2026-11-22").accounting.raw_objects == 1


def test_a_late_delivery_into_a_day_that_had_nothing_is_taken_by_the_next_run(lake: TestLake) -> None:
    assert lake.run("2026-11-21").accounting.raw_objects == 0
    lake.put(DAY + timedelta(hours=2), body_of([record(2)]))
    assert lake.run("2026-11-22").accounting.trusted_new == 1


def test_several_days_at_once_are_the_same_as_one_after_the_other(lake: TestLake) -> None:
    for day in range(3):
        lake.put(DAY + timedelta(days=day, hours=1), body_of([record(day), record(7), record(day)]))
    for day in (22, 21, 23):
        lake.run(f"2026-11-{day}")
    rows = lake.trusted()
    rebuilt = lake.run("2026-11-21/2026-11-23")
    assert lake.trusted() == rows
    assert rebuilt.accounting.records_in == 9
    assert {entry["arrival_period"] for entry in lake.ledger()} == {f"2026-11-{day}" for day in (21, 22, 23)}


def test_a_folder_that_a_console_made_stops_no_run(lake: TestLake) -> None:
    aws.client("s3").put_object(
        Bucket=lake.lake.bucket(Zone.RAW), Key=f"{lake.dataset.raw.prefix}2026/11/21/05/", Body=b""
    )
    lake.put(DAY + timedelta(hours=5), body_of([record(1)]))
    assert lake.run("2026-11-21").accounting.trusted_new == 1


def test_displaced_rows_become_duplicates_in_the_ledger(lake: TestLake) -> None:
    hourly = TestLake(lake.lake, _hourly(lake))
    later = lake.put(DAY + timedelta(hours=2), body_of([record(1), record(2)]))
    hourly.run("2026-11-21T02")
    earlier = lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    hourly.run("2026-11-21T01")
    assert {row["device"]: row["_raw_object"] for row in lake.trusted()} == {1: earlier, 2: later}
    totals = dict.fromkeys(("records_in", "trusted", "duplicates", "quarantined"), 0)
    for entry in lake.ledger():
        for key in totals:
            totals[key] += entry[key]
    assert totals == {"records_in": 3, "trusted": 2, "duplicates": 1, "quarantined": 0}


def test_hostile_objects_are_quarantined_with_their_place(lake: TestLake) -> None:
    bodies = {
        "truncated": gzip.compress(b'{"d": 1, "t": "2026-11-21T01:00:00"}' * 200)[:-20],
        "empty": b"",
        "no_json": b"\x00\x01\x02 nothing here",
        "wrong": b'{"d": "x", "t": "2026-11-21T01:00:00"}',
        "utf8": b'{"d": 2, "l": "\xff", "t": "2026-11-21T01:00:00"}{"d": 3, "t": "2026-11-21T01:00:00"}',
        "none": gzip.compress(b""),
        "unknown": b'{"d": 4, "t": "2026-11-21T01:00:00", "new": {"a": 1}}',
    }
    keys = {lake.put(DAY + timedelta(hours=2), body): name for name, body in bodies.items()}
    published = lake.run("2026-11-21")
    assert published.accounting.balanced
    assert published.accounting.raw_objects == len(bodies)
    found = {(keys[row["_raw_object"]], row["reason"]) for row in lake.quarantined()}
    assert found == {
        ("truncated", "truncated_gzip"),
        ("no_json", "malformed_json"),
        ("wrong", "wrong_type"),
        ("utf8", "invalid_utf8"),
    }
    trusted_rows = {keys[row["_raw_object"]]: row["_extra"] for row in lake.trusted()}
    assert trusted_rows == {"truncated": None, "utf8": None, "unknown": '{"new":{"a":1}}'}


def test_a_large_partition_becomes_files_of_consecutive_ranges(lake: TestLake) -> None:
    small_files = lake.dataset.model_copy(update={"target_file_bytes": 1 << 20, "sort_by": ("device",)})
    split = TestLake(lake.lake, small_files)
    split.put(
        DAY + timedelta(hours=1),
        body_of({**record(n), "t": "2026-11-21T00:30:00", "l": str(hash(n))} for n in range(260_000)),
    )
    files = split.stage("2026-11-21").trusted.files
    split.run("2026-11-21")
    table = trusted(lake.dataset).load(lake.lake)
    ranges = [sorted(batch["device"].to_pylist()) for batch in _tables_of(table)]
    ranges.sort()
    assert len(files) == len(ranges) > 1
    assert all(one[-1] < other[0] for one, other in itertools.pairwise(ranges))
    assert [device for one in ranges for device in one] == list(range(260_000))


def test_a_missing_bucket_is_named(lake: TestLake) -> None:
    elsewhere = TestLake(type(lake.lake)("no-such-lake"), lake.dataset)
    with pytest.raises(LakeUnreachable, match="no-such-lake-raw"):
        elsewhere.stage("2026-11-21")


def test_an_endpoint_that_is_down_is_named(lake: TestLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(LakeUnreachable, match=r"127\.0\.0\.1:9"):
        lake.stage("2026-11-21")


def test_what_is_staged_is_invisible(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    stage = lake.stage("2026-11-21")
    publish.save_stage(lake.lake, stage)
    assert stage.trusted.rows == 1
    assert lake.trusted() == []
    assert lake.lake.bucket(Zone.TRUSTED) in stage.trusted.files[0].uri


def _hourly(lake: TestLake) -> Dataset:
    return lake.dataset.model_copy(
        update={"raw": lake.dataset.raw.model_copy(update={"arrival_period": Grain.HOUR})}
    )


def _tables_of(table: Table) -> list[pa.Table]:
    """Read each data file of a table by itself."""
    return [pq.read_table(io.BytesIO(read_object(task.file.file_path))) for task in table.scan().plan_files()]


def _die(*_: object) -> None:
    raise KeyboardInterrupt
