"""A summary's gate: its figures beside the trusted rows it was computed from, and beside earlier days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from firelake.errors import CommitConflict, GateFailed
from firelake.layout import Lake, Zone, verdict_key
from firelake.ledger import Ledger
from firelake.outcome import Accounting, SourceState, Stage, SummaryStage, TableStage
from firelake.quality.result import RuleResult
from firelake.quality.verdict import Verdict
from firelake.spec import find_dataset
from firelake.storage import Bucket, read_object
from firelake.summary import pipeline
from firelake.summary.figures import Equality
from firelake.tables import COLUMN_PROFILES
from pyiceberg.expressions import EqualTo

from tests.contract.summary.readings import SUMMARIES, hold
from tests.contract.summary.test_device_health import MIDNIGHT
from tests.unit.summary.health import Reading

NAME = "iot_device_health_daily"
(HEALTH,) = (one for one in SUMMARIES if one.table.name == NAME)


def a_day(day: int, devices: int = 3) -> list[Reading]:
    return [
        Reading(device, MIDNIGHT + timedelta(days=day, minutes=minute), 20 + device)
        for device in range(devices)
        for minute in range(4)
    ]


def rules(lake: Lake, stage_uri: str) -> dict[str, RuleResult]:
    run_id = SummaryStage.model_validate_json(read_object(stage_uri)).run_id
    body = Bucket(lake.bucket(Zone.OPS)).read(verdict_key(NAME, run_id))
    (result,) = Verdict.model_validate_json(body).results
    return {rule.rule: rule for rule in result.rules}


def test_figures_agree_with_the_rows_of_the_same_snapshot(lake: Lake) -> None:
    hold(lake, a_day(0))
    staged = pipeline.stage(NAME, "2026-11-19")["stage_uri"]
    # What is published to the source meanwhile is another snapshot: the next run's.
    hold(lake, a_day(0, devices=5))
    assert pipeline.gate(staged)["passed"]
    found = rules(lake, staged)
    assert [found[f"spec.reconcile.{name}"].observed for name in HEALTH.table.reconcile] == [
        "12; iot_device_telemetry has 12",
        "3; iot_device_telemetry has 3",
        "22; iot_device_telemetry has 22",
    ]


def test_a_figure_that_differs_blocks_and_says_both(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(lake, a_day(0))
    wrong = Equality.model_validate(
        {
            "description": "As many rows as readings.",
            "source": "iot_device_telemetry",
            "summary": "count(*)",
            "trusted": "count(*)",
        }
    )
    strict = replace(HEALTH, table=HEALTH.table.model_copy(update={"reconcile": {"rows": wrong}}))
    monkeypatch.setattr(pipeline, "find_summary", lambda _: strict)
    staged = pipeline.stage(NAME, "2026-11-19")["stage_uri"]
    with pytest.raises(GateFailed, match=r"spec\.reconcile\.rows: 3; iot_device_telemetry has 12"):
        pipeline.gate(staged)


def test_a_day_without_rows_agrees_with_no_rows(lake: Lake) -> None:
    hold(lake, a_day(0))
    staged = pipeline.stage(NAME, "2026-11-18")["stage_uri"]
    with pytest.raises(GateFailed, match=r"because 2026-11-18 rows\.devices: 0\. Report"):
        pipeline.gate(staged)
    assert rules(lake, staged)["spec.reconcile.readings"].observed == "0; iot_device_telemetry has 0"


def test_a_day_is_compared_once_all_of_it_has_arrived(lake: Lake) -> None:
    hold(lake, a_day(0))
    ledger = Ledger(lake, find_dataset("iot_device_telemetry"))

    def compared() -> bool:
        staged = pipeline.stage(NAME, "2026-11-19")["stage_uri"]
        pipeline.gate(staged)
        return "time.history" in rules(lake, staged)

    assert not compared()
    ledger.record(nothing_arrived("2026-11-19"), sequence_number=1)
    assert compared()
    kept = COLUMN_PROFILES.load(lake).scan(row_filter=EqualTo(term="table_name", value=NAME)).to_arrow()
    assert set(kept["partition_key"].to_pylist()) == {"2026-11-19"}
    assert "event_day" not in kept["column_name"].to_pylist()
    assert "device_id" in kept["column_name"].to_pylist()


def nothing_arrived(period: str) -> Stage:
    nothing = TableStage(table="iot_device_telemetry", bases=(), files=())
    return Stage(
        dataset="iot_device_telemetry",
        period=period,
        run_id="test",
        trusted=nothing,
        quarantine=nothing,
        objects=(),
        displaced={},
        accounting=Accounting(
            raw_objects=0,
            records_in=0,
            trusted_new=0,
            duplicates=0,
            quarantined={},
            displaced=0,
            bytes_raw=0,
            bytes_json=0,
        ),
    )


def test_sources_that_never_stand_still_are_told(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    states = (
        {"iot_device_telemetry": SourceState(snapshot_id=number, files=(str(number),))} for number in count()
    )
    monkeypatch.setattr(pipeline, "source_states", lambda *_: next(states))
    with pytest.raises(CommitConflict, match="2026-11-19: its sources kept changing"):
        pipeline.stage(NAME, "2026-11-19")
