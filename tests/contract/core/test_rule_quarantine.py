"""Rows that fail a quarantining rule: refused, counted again by the gate, and nothing else held up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from firelake import aws, publish
from firelake.errors import GateFailed
from firelake.layout import Zone, stage_key
from firelake.outcome import Stage
from firelake.quality.checkpoint import judge_stage
from firelake.quality.verdict import Verdict
from firelake.quarantine import Selection, count_refused, refused_records
from firelake.spec.dataset import Quality

from tests.contract.core.lake import DAY, TestLake, body_of, record
from tests.unit.compact.lake import SUITES

GOOD = record(1) | {"v": 0.5}
TOO_LARGE = record(1) | {"v": 7}
STRANGE = record(2) | {"v": 0.5}
BOTH = record(3) | {"v": 9}


@pytest.fixture
def quarantining(lake: TestLake) -> TestLake:
    quality = Quality(suite=SUITES / "readings_quarantining.json", max_quarantine_rate=1)
    return replace(lake, dataset=lake.dataset.model_copy(update={"quality": quality}))


def judge(lake: TestLake, stage: Stage) -> Verdict:
    return judge_stage(lake.lake, lake.dataset, stage)


def test_rows_that_fail_are_refused_by_name_and_counted_by_the_gate(quarantining: TestLake) -> None:
    key = quarantining.put(DAY + timedelta(hours=1), body_of([GOOD, TOO_LARGE, STRANGE, BOTH, TOO_LARGE]))
    stage = quarantining.stage("2026-11-21")
    assert stage.accounting.balanced
    assert stage.accounting.quarantined == {"failed_rule": 4}
    assert [(o.trusted, o.duplicates, o.quarantined) for o in stage.objects] == [(1, 0, 4)]
    verdict = judge(quarantining, stage)
    rules = {rule.rule: rule for result in verdict.results for rule in result.rules}
    counted = {name: rules[f"spec.quarantined.{name}"] for name in ("value.share", "device.known")}
    assert {name: (rule.success, rule.rows_bad) for name, rule in counted.items()} == {
        "value.share": (True, 3),
        "device.known": (True, 2),
    }
    assert [rules[name].rows_bad for name in counted] == [0, 0]
    quarantining.publish(stage)
    assert [row["_raw_position"] for row in quarantining.trusted()] == [0]
    assert [
        (row["_raw_object"], row["_raw_position"], row["reason"], row["detail"])
        for row in quarantining.quarantined()
    ] == [
        (key, position, "failed_rule", rule)
        for position, rule in [
            (1, "value.share"),
            (2, "device.known"),
            (3, "value.share"),
            (4, "value.share"),
        ]
    ]


def test_running_again_changes_nothing(quarantining: TestLake) -> None:
    quarantining.put(DAY + timedelta(hours=1), body_of([GOOD, TOO_LARGE, STRANGE]))
    quarantining.put(DAY + timedelta(hours=2), body_of([TOO_LARGE, GOOD]))
    first = quarantining.run("2026-11-21")
    before = quarantining.trusted(), [row | {"run_id": ""} for row in quarantining.quarantined()]
    assert quarantining.run("2026-11-21").accounting == first.accounting
    assert (quarantining.trusted(), [row | {"run_id": ""} for row in quarantining.quarantined()]) == before


def test_rows_published_before_the_rule_block_until_their_periods_run_again(
    lake: TestLake, quarantining: TestLake
) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([TOO_LARGE, GOOD]))
    lake.run("2026-11-21")
    late = DAY + timedelta(days=1, hours=1)
    quarantining.put(late, body_of([GOOD | {"l": "late"}]))
    with pytest.raises(GateFailed, match=r"value\.share"):
        judge(quarantining, quarantining.stage("2026-11-22"))
    both = quarantining.stage("2026-11-21/2026-11-22")
    assert judge(quarantining, both).passed
    quarantining.publish(both)
    assert [row["value"] for row in quarantining.trusted()] == [0.5, 0.5]


def test_what_a_blocked_run_refused_can_be_looked_at_by_its_id(lake: TestLake) -> None:
    strict = Quality(suite=SUITES / "readings_quarantining.json", max_quarantine_rate=0)
    blocked = replace(lake, dataset=lake.dataset.model_copy(update={"quality": strict}))
    lake.put(DAY + timedelta(hours=1), body_of([{**record(1), "d": "x"}]))
    lake.run("2026-11-21")
    key = blocked.put(DAY + timedelta(hours=2), body_of([GOOD, TOO_LARGE, {**record(2), "d": "y"}]))
    stage = blocked.stage("2026-11-21")
    publish.save_stage(blocked.lake, stage)
    with pytest.raises(GateFailed):
        judge(blocked, stage)

    def shown(**selected: Any) -> list[tuple[str, str]]:
        selection = Selection(run_id=stage.run_id, **selected)
        rows = refused_records(blocked.lake, blocked.dataset, selection, 10)
        return [(row["reason"], row["raw_text"][:7]) for row in rows]

    assert shown(raw_object=key) == [("failed_rule", '{"d": 1'), ("wrong_type", '{"d": "')]
    assert shown(reason="failed_rule") == [("failed_rule", '{"d": 1')]
    counted = count_refused(blocked.lake, blocked.dataset, Selection(run_id=stage.run_id))
    assert sum(found.records for found in counted) == stage.accounting.records_quarantined == 3
    # Readers of the table see what was published, and nothing of it.
    assert [row["raw_text"][:8] for row in blocked.quarantined()] == ['{"d": "x']
    aws.client("s3").delete_object(
        Bucket=blocked.lake.bucket(Zone.OPS), Key=stage_key(blocked.dataset.name, stage.run_id)
    )
    assert shown() == []
