"""The main job from Firehose to the summary, with the real scheduler."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import RECORDS, LocalLake

pytestmark = pytest.mark.timeout(600)

DATASET = "iot_device_telemetry"
SUMMARY = "iot_device_health_daily"


def test_the_outcome_balances_and_equals_what_was_sent(lake: LocalLake) -> None:
    outcome = lake.outcome
    dataset, sent = outcome["datasets"][DATASET], outcome["sent"][DATASET]["expected"]
    assert dataset["balanced"]
    assert dataset["records_in"] > RECORDS
    assert {key: dataset[key] for key in sent} == sent
    assert dataset["rows"] == dataset["trusted"]
    assert dataset["raw_objects"] >= 50
    assert dataset["quarantined"]
    assert dataset["duplicates"]
    assert dataset["bytes_parquet"] > 0
    assert dataset["gate"]["passed"]
    assert dataset["gate"]["critical"] == 0


def test_the_summary_follows_for_every_day_that_got_records(lake: LocalLake) -> None:
    days = lake.outcome["sent"][DATASET]["days_trusted"]
    assert len(days) > 2
    assert lake.outcome["summaries"][SUMMARY]["partitions"] == len(days)


def test_the_reports_are_left_on_disk(lake: LocalLake) -> None:
    reports = lake.outcome["datasets"][DATASET]["reports"]
    assert len(reports) == 2
    for report in reports:
        assert report.endswith(".html")
        assert DATASET in Path(report).read_text()


def test_the_picture_is_left_on_disk(lake: LocalLake) -> None:
    (picture,) = lake.outcome["pictures"]
    assert Path(picture) == lake.demo_folder / "iot_device_health_daily.svg"
    assert "<svg" in Path(picture).read_text()


def test_the_demo_leaves_no_process(lake: LocalLake) -> None:
    assert lake.outcome["lifecycle"]["verified"]
    assert lake.process_names() == []


def test_a_second_demo_sends_nothing_and_ends_with_the_same_rows(lake: LocalLake) -> None:
    before = lake.outcome["datasets"][DATASET]
    sent = (lake.demo_folder / "sent.json").read_bytes()

    again = lake.demo()

    assert again.returncode == 0, again.stdout + again.stderr
    after = lake.outcome["datasets"][DATASET]
    # The gate judges what each run stages: fuller partitions now, and a history to compare them with.
    # Rows that sort alike may change places, which Parquet packs a few bytes longer or shorter.
    same = before.keys() - {"gate", "reports", "bytes_parquet"}
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert after["gate"]["passed"]
    assert (lake.demo_folder / "sent.json").read_bytes() == sent


def test_an_interrupted_sending_is_not_taken_for_a_whole_one(make_lake: Callable[..., LocalLake]) -> None:
    lake = make_lake()
    lake.demo_folder.mkdir()
    (lake.demo_folder / "sent.begun").touch()
    done = lake.demo()
    assert done.returncode == 1
    assert "make clean demo" in done.stderr
    assert lake.process_names() == []
