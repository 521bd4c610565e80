"""What every DAG has, and the order in which a pipeline works."""

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset

DAG_IDS = {
    "iot_device_anomalies__summary",
    "iot_device_health_daily__summary",
    "iot_device_telemetry__pipeline",
    "lake__drift",
    "lake__lifecycle",
}


@pytest.fixture(params=sorted(DAG_IDS))
def dag(dag_bag: DagBag, request: pytest.FixtureRequest) -> DAG:
    return dag_bag.dags[request.param]


def test_the_bag_holds_exactly_these_dags(dag_bag: DagBag) -> None:
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == DAG_IDS


def test_asset_uris_are_unique(dag_bag: DagBag) -> None:
    outlets = [
        outlet
        for dag in dag_bag.dags.values()
        for task in dag.tasks
        for outlet in task.outlets
        if isinstance(outlet, Asset)
    ]
    uris = [outlet.uri for outlet in outlets]
    assert uris
    assert len(set(uris)) == len(uris)


def test_tasks_say_who_answers_for_them_and_what_they_do(dag: DAG) -> None:
    assert dag.doc_md
    assert dag.tags
    assert dag.description
    for task in dag.tasks:
        assert task.owner not in ("", "airflow"), task.task_id
        assert task.doc_md, task.task_id


def test_tasks_are_tried_again_by_policy(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.retries >= 1, task.task_id
        assert task.has_retry_policy, task.task_id


def test_nothing_of_the_past_runs_by_itself(dag: DAG) -> None:
    assert dag.catchup is False
    assert dag.start_date is None


def test_nothing_is_published_before_the_gate(dag_bag: DagBag) -> None:
    publishing = [dag for dag in dag_bag.dags.values() if dag.has_task("publish")]
    assert publishing
    for dag in publishing:
        assert "gate" in dag.get_task("publish").upstream_task_ids
        assert dag.get_task("gate").trigger_rule == dag.get_task("publish").trigger_rule == "all_success"


def test_a_pipeline_works_in_order(dag_bag: DagBag) -> None:
    dag = dag_bag.dags["iot_device_telemetry__pipeline"]
    order = {task.task_id: task.upstream_task_ids for task in dag.tasks}
    assert order == {
        "compact": set(),
        "gate": {"compact"},
        "publish": {"compact", "gate"},
        "crawl": {"publish"},
        "verify": {"publish", "crawl"},
        "announce": {"publish"},
    }
