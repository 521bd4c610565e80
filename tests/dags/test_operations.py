"""The DAGs that people operate the lake with, run by Airflow against Local AWS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG
from firelake.layout import Lake, Zone

from tests.dags.readings import EVENT_DAYS, KEY, put_readings

RunByHand = Callable[[DAG, dict[str, Any]], dict[str, str]]
Answers = Callable[[str], None]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def run_by_hand(airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> RunByHand:
    """Give a function that runs a DAG with a filled-in form, and returns the states of its tasks."""

    def run(dag: DAG, form: dict[str, Any]) -> dict[str, str]:
        with monkeypatch.context() as patch:
            for task in dag.tasks:
                # A task that waits for its next try would keep the test waiting.
                patch.setattr(task, "retries", 0)
            return {ti.task_id: str(ti.state) for ti in dag.test(run_conf=form).get_task_instances()}

    return run


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Give a function that lets a person answer every approval at once, with what the form shows."""

    def given(option: str) -> None:
        def execute(self: HITLOperator, context: Any) -> Any:
            event = {
                "chosen_options": [option],
                "params_input": {name: param["value"] for name, param in self.serialized_params.items()},
                "responded_at": datetime.now(UTC),
                "responded_by_user": {"id": "1", "name": "steward"},
            }
            return self.execute_complete(context, event)

        monkeypatch.setattr(HITLOperator, "execute", execute)

    return given


def trusted_rows() -> int:
    from firelake.iceberg import load_table

    table = load_table(Lake.from_environment(), Zone.TRUSTED, "iot_device_telemetry")
    return int(table.scan().to_arrow().num_rows)


def test_a_rebuild_publishes_once_it_is_no_dry_run(
    dag_bag: DagBag, run_by_hand: RunByHand, raw_object: str
) -> None:
    rebuild = dag_bag.dags["iot_device_telemetry__rebuild"]
    days = {"since": EVENT_DAYS[0], "until": EVENT_DAYS[1]}

    dry = run_by_hand(rebuild, days)
    assert trusted_rows() == 0
    assert {name for name, state in dry.items() if state == "skipped"} == {
        "go_ahead",
        "publish",
        "verify",
        "announce",
    }

    wet = run_by_hand(rebuild, {**days, "dry_run": False})
    assert set(wet.values()) == {"success"}, wet
    assert trusted_rows() == 40


def test_a_lake_is_reconciled(dag_bag: DagBag, run_by_hand: RunByHand, raw_object: str) -> None:
    reconcile = dag_bag.dags["lake__reconcile"]
    # What no run has taken in is the listing's to find; the rest agrees.
    states = run_by_hand(reconcile, {"arrival": "2026-11-21", "count_days": 1})
    assert states.pop("listing_iot_device_telemetry") == "failed"
    assert set(states.values()) == {"success"}, states


def test_a_person_chooses_the_snapshot_that_readers_see_again(
    dag_bag: DagBag, run_by_hand: RunByHand, raw_object: str, answer: Answers
) -> None:
    days = {"since": EVENT_DAYS[0], "until": EVENT_DAYS[1], "dry_run": False}
    run_by_hand(dag_bag.dags["iot_device_telemetry__rebuild"], days)
    rollback = dag_bag.dags["iot_device_telemetry__rollback"]
    assert run_by_hand(rollback, {})["list_snapshots"] == "skipped"
    put_readings(Lake.from_environment(), f"{KEY}-again.gz", temperature_c=30)
    run_by_hand(dag_bag.dags["iot_device_telemetry__rebuild"], days)
    assert trusted_rows() == 80

    assert run_by_hand(rollback, {})["approve"] == "skipped"
    answer("Reject")
    assert run_by_hand(rollback, {"dry_run": False})["roll_back"] == "skipped"
    assert trusted_rows() == 80
    answer("Approve")
    states = run_by_hand(rollback, {"dry_run": False})
    assert set(states.values()) == {"success"}, states
    assert trusted_rows() == 40


def test_maintenance_of_a_lake_without_leftovers_changes_nothing(
    dag_bag: DagBag, run_by_hand: RunByHand, raw_object: str
) -> None:
    states = run_by_hand(dag_bag.dags["lake__maintenance"], {"dry_run": True, "grace": "1h"})
    assert states["maintain_iot_device_telemetry"] == states["maintain_shared"] == "success"
