"""What a lake uses, counted in Local AWS, and what the command says of it."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from firelake import athena, aws, sql
from firelake.cli import main
from firelake.cost import load_prices, measure, measure_queries
from firelake.cost.storage import DAYS_PER_MONTH
from firelake.cost.usage import OBSERVED_DAYS
from firelake.layout import Zone

from tests.contract.core.lake import DAY, TestLake, body_of, record


@pytest.fixture
def used(lake: TestLake) -> TestLake:
    """Return a lake with three raw objects of two days, one of them archived, and a query."""
    lake.put(DAY + timedelta(hours=1), body_of([record(1), record(2), {**record(3), "d": "x"}]))
    lake.put(DAY + timedelta(hours=2), body_of([record(4)]))
    lake.run("2026-11-21")
    tomorrow = DAY + timedelta(days=1)
    key = lake.put(tomorrow + timedelta(hours=1), body_of([record(5, tomorrow)]))
    lake.run("2026-11-22")
    lake.run("2026-11-22")
    bucket = lake.lake.bucket(Zone.RAW)
    aws.client("s3").copy_object(
        Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}, StorageClass="GLACIER_IR"
    )
    statement = "SELECT sum(value) FROM trusted." + sql.identifier(lake.dataset.name)  # noqa: S608 - quoted
    athena.run(lake.lake, statement)
    return lake


def test_use_is_counted(used: TestLake) -> None:
    usage = measure(used.lake, used.dataset)
    stock = usage.stock[Zone.RAW]
    assert {cohort.storage_class: cohort.objects for cohort in stock} == {"STANDARD": 2, "GLACIER_IR": 1}
    stored = sum(
        entry["Size"] for entry in aws.list_objects(used.lake.bucket(Zone.RAW), used.dataset.raw.prefix)
    )
    assert sum(cohort.bytes_stored for cohort in stock) == stored
    # The second day ran twice, and counts once.
    assert (usage.days, usage.records_per_day) == (2, 5 / 2)
    (raw,) = usage.flows[Zone.RAW]
    assert (raw.objects_per_day, raw.bytes_per_day) == (3 / 2, stored / 2)
    assert (
        usage.flows[Zone.TRUSTED][0].bytes_per_day
        == sum(cohort.bytes_stored for cohort in usage.stock[Zone.TRUSTED]) / 2
    )


def test_queries_are_counted_with_the_least_that_is_charged(used: TestLake) -> None:
    least = load_prices().athena.smallest_query_bytes
    queries = measure_queries(used.lake, least)
    assert queries.queries > 0
    # All of them are small: each that scanned anything is charged for the least.
    charged = queries.bytes_charged / (least * DAYS_PER_MONTH / OBSERVED_DAYS)
    assert charged >= 1
    assert charged == pytest.approx(round(charged))
    later = datetime.now(UTC) + timedelta(days=40)
    assert measure_queries(used.lake, least, later).queries == 0


def test_the_command_says_what_the_file_holds(
    used: TestLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / f"{used.dataset.name}.yaml"
    spec.write_text(
        f"""\
name: {used.dataset.name}
owner: tests
description: Readings.
raw: {{prefix: {used.dataset.name}/}}
columns:
  device: {{path: d, type: int, required: true}}
  taken_at: {{path: t, type: timestamp}}
event_time: taken_at
quality: {{suite: suite.json}}
lifecycle: {{raw: [{{after: 30d, to: GLACIER_IR}}]}}
"""
    )
    path = tmp_path / "cost.csv"
    assert main(["cost", "--spec", str(spec), "--csv", str(path), "--months", "6", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = list(csv.DictReader(path.open()))
    (dataset,) = found["datasets"]
    assert sum(float(row["per_month"]) for row in rows) == pytest.approx(
        dataset["per_month"] + found["shared"]["per_month"]
    )
    assert {len(scenario["months"]) for scenario in dataset["scenarios"]} == {6}
    assert main(["cost", "--spec", str(spec)]) == 0
    said = capsys.readouterr().out
    assert "storage GLACIER_IR" in said
    assert "us-east-1" in said
