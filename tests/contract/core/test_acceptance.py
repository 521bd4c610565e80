"""A steward's word for a batch that the gate refused."""

from __future__ import annotations

import pytest
from firelake import publish
from firelake.errors import FirelakeError, GateFailed, UsageError
from firelake.pipeline import Pipeline
from firelake.quality import acceptance
from firelake.tables import QUALITY_RESULTS

from tests.contract.core.lake import DAY, TestLake, body_of, record


def test_a_refused_batch_is_published_once_somebody_answers_for_it(lake: TestLake) -> None:
    lake.put(DAY, body_of([record(1), {**record(2), "d": "x"}, {**record(3), "d": "y"}]))
    pipeline = Pipeline(lake.lake, lake.dataset)
    stage = lake.stage("2026-11-21")
    stage_uri = publish.save_stage(lake.lake, stage)
    with pytest.raises(GateFailed):
        pipeline.gate(stage_uri)
    (refused,) = acceptance.refused(lake.lake, lake.dataset.name)
    assert refused.run_id == stage.run_id

    for by, why in (("", "because"), ("steward", " ")):
        with pytest.raises(UsageError, match="who accepts it, and why"):
            acceptance.accept(lake.lake, lake.dataset.name, stage.run_id, by, why)
    with pytest.raises(GateFailed):
        pipeline.publish(stage_uri)
    assert lake.trusted() == []

    accepted = acceptance.accept(lake.lake, lake.dataset.name, stage.run_id, "steward", "sensors replaced")
    assert accepted.rules
    pipeline.publish(stage_uri)
    assert [row["device"] for row in lake.trusted()] == [1]
    assert acceptance.refused(lake.lake, lake.dataset.name) == []
    history = QUALITY_RESULTS.load(lake.lake).scan().to_arrow().to_pylist()
    (told,) = [row for row in history if row["run_id"] == stage.run_id and row["rule"] == acceptance.RULE]
    assert told["observed"] == "accepted by steward: sensors replaced"

    # The same batch, staged again, is judged again.
    again = publish.save_stage(lake.lake, lake.stage("2026-11-21"))
    with pytest.raises(GateFailed):
        pipeline.gate(again)
    with pytest.raises(GateFailed):
        pipeline.publish(again)


def test_what_passed_needs_no_acceptance(lake: TestLake) -> None:
    lake.put(DAY, body_of([record(1)]))
    stage = lake.stage("2026-11-21")
    Pipeline(lake.lake, lake.dataset).gate(publish.save_stage(lake.lake, stage))
    with pytest.raises(FirelakeError, match="the gate refused nothing"):
        acceptance.accept(lake.lake, lake.dataset.name, stage.run_id, "steward", "because")
