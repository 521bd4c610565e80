"""A pipeline's run for one arrival day, by Airflow and against Local AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from firelake.layout import Lake, Zone

from tests.dags.readings import DAY, EVENT_DAYS

RunPartition = Callable[[DAG, str], Any]


@pytest.fixture
def run_partition(airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> RunPartition:
    """Give a function that runs a DAG for a partition key, which `dag.test()` cannot do by itself."""
    from airflow.serialization.definitions.dag import SerializedDAG

    create = SerializedDAG.create_dagrun

    def run(dag: DAG, key: str) -> Any:
        def with_partition(self: SerializedDAG, *args: Any, **kwargs: Any) -> Any:
            date = self.timetable.resolve_partition_date(key)
            return create(self, *args, **{**kwargs, "partition_key": key, "partition_date": date})

        with monkeypatch.context() as patch:
            patch.setattr(SerializedDAG, "create_dagrun", with_partition)
            for task in dag.tasks:
                # A task that waits for its next try would keep the test waiting.
                patch.setattr(task, "retries", 0)
            return dag.test(logical_date=None)

    return run


@pytest.mark.timeout(180)
def test_a_run_publishes_its_day_and_announces_every_event_day(
    dag_bag: DagBag, run_partition: RunPartition, raw_object: str
) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from firelake.iceberg import load_table
    from sqlalchemy import select

    run = run_partition(dag_bag.dags["iot_device_telemetry__pipeline"], DAY)

    states = {task.task_id: str(task.state) for task in run.get_task_instances()}
    assert set(states.values()) == {"success"}, states
    rows = load_table(Lake.from_environment(), Zone.TRUSTED, "iot_device_telemetry").scan().to_arrow()
    assert rows.num_rows == 40
    assert set(rows["_raw_object"].to_pylist()) == {raw_object}
    with create_session() as session:
        events = session.scalars(
            select(AssetEvent.partition_key).where(AssetEvent.source_run_id == run.run_id)
        ).all()
    assert sorted(events) == EVENT_DAYS
