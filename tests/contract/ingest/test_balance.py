"""What each simulator says it sent is what the lake counts; of the devices, the demo shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from firelake.catalog import prepare_lake
from firelake.layout import Lake
from firelake.ledger import read_stage
from firelake.periods import Grain, PeriodRange
from firelake.pipeline import Pipeline
from firelake.spec import find_dataset

from ingest.__main__ import main
from ingest.profiles import PROFILES
from ingest.stream import declare
from tests.fixtures.local_aws import LocalAws

DAY = PeriodRange.parse("2026-11-19", Grain.DAY)


@pytest.mark.parametrize("name", sorted(PROFILES.keys() - {"iot_device_telemetry"}))
def test_a_day_balances(
    name: str, local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRELAKE_NAME", f"balance-{name.replace('_', '-')}")
    lake, out = Lake.from_environment(), tmp_path / "sent.json"
    # Tables of its own: others may fill those of the dataset.
    dataset = find_dataset(name).model_copy(update={"name": f"balance_{name}"})
    prepare_lake(lake, [dataset])
    declare(lake, find_dataset(name))
    clock = f"--clock-url={local_aws.endpoint_url}/_localaws/clock"
    span = ["--start=2026-11-19", "--end=2026-11-20", "--step-minutes=30"]
    assert main(["simulate", name, clock, *span, "--records=800", "--faults=many", f"--out={out}"]) == 0
    sent = json.loads(out.read_text())

    staged = Pipeline(lake, dataset).compact(DAY, "test")

    books = staged.accounting
    assert {"duplicates", "trusted", "quarantined", "records_in"} == sent["expected"].keys()
    assert books.records_in == sent["expected"]["records_in"]
    assert books.duplicates == sent["expected"]["duplicates"]
    assert books.quarantined == sent["expected"]["quarantined"]
    assert books.trusted_new == sent["expected"]["trusted"]
    rows = {file.partition: file.rows for file in read_stage(staged.stage_uri).trusted.files}
    assert rows == sent["days_trusted"]
