"""Batches that passed are remembered; one unlike them is remarked, and a filling one is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from firelake.quality.checkpoint import judge_stage
from firelake.quality.verdict import Verdict
from firelake.spec.dataset import Quality, Trailing, TrailingCheck
from firelake.tables import COLUMN_PROFILES

from tests.contract.core.lake import DAY, TestLake, body_of, record
from tests.unit.compact.lake import SUITES


@pytest.fixture
def compared(lake: TestLake) -> TestLake:
    trailing = Trailing(checks=(TrailingCheck.ROW_COUNT, TrailingCheck.NULL_RATE))
    quality = Quality(suite=SUITES / "readings.json", trailing=trailing)
    return replace(lake, dataset=lake.dataset.model_copy(update={"quality": quality}))


def judge(lake: TestLake, period: str) -> Verdict:
    stage = lake.stage(period)
    verdict = judge_stage(lake.lake, lake.dataset, stage)
    lake.publish(stage)
    return verdict


def time_rules(verdict: Verdict, partition: str) -> dict[str, bool]:
    (result,) = (one for one in verdict.results if one.partition == partition and len(one.rules) > 2)
    return {rule.rule: rule.success for rule in result.rules if rule.rule.startswith("time.")}


def test_a_day_with_half_the_rows_is_remarked_and_published(compared: TestLake) -> None:
    for offset in range(8):
        day = DAY + timedelta(days=offset)
        rows = [record(number, day) for number in range(40 if offset < 7 else 20)]
        ahead = [record(99, day + timedelta(days=1))] if offset < 7 else []
        compared.put(day + timedelta(hours=23, minutes=30), body_of([*rows, *ahead]))
        verdict = judge(compared, f"{day:%Y-%m-%d}")
    assert verdict.passed
    assert time_rules(verdict, "2026-11-28") == {
        "time.row_count": False,
        **{f"time.null_rate.{name}": True for name in ("device", "value", "label")},
    }
    profiles = COLUMN_PROFILES.load(compared.lake).scan().to_arrow().to_pylist()
    own = [row for row in profiles if row["table_name"] == compared.dataset.name]
    assert {row["column_name"] for row in own} == {"device", "value", "label", "taken_at"}
    assert {row["partition_key"] for row in own} == {f"2026-11-{day}" for day in range(21, 29)}


def test_a_day_that_is_still_filling_up_is_not_compared(compared: TestLake) -> None:
    compared.put(DAY + timedelta(hours=23, minutes=30), body_of([record(1, DAY + timedelta(days=1))]))
    verdict = judge(compared, "2026-11-21")
    assert time_rules(verdict, "2026-11-22") == {}
