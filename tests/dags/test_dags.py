"""What every DAG has, and the order in which a pipeline works."""

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset
from firelake.spec import load_datasets
from firelake.summary.spec import load_summaries
from firelake_airflow.erase import build_erase
from firelake_airflow.pools import POOLS

DATASETS = load_datasets()
SUMMARIES = load_summaries()
DAG_IDS = {
    *(
        f"{dataset.name}__{kind}"
        for dataset in DATASETS
        for kind in ("pipeline", "accept", "rebuild", "rollback")
    ),
    *(f"{dataset.name}__erase" for dataset in DATASETS if any(column.pii for column in dataset.columns)),
    *(f"{summary.table.name}__summary" for summary in SUMMARIES),
    *(f"lake__{kind}" for kind in ("drift", "lifecycle", "maintenance", "reconcile")),
}


@pytest.fixture(params=sorted(DAG_IDS))
def dag(dag_bag: DagBag, request: pytest.FixtureRequest) -> DAG:
    return dag_bag.dags[request.param]


def test_the_bag_holds_exactly_these_dags(dag_bag: DagBag) -> None:
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == DAG_IDS


def test_every_asset_has_a_uri_of_its_own(dag_bag: DagBag) -> None:
    outlets = {
        (outlet.name, outlet.uri)
        for dag in dag_bag.dags.values()
        for task in dag.tasks
        for outlet in task.outlets
        if isinstance(outlet, Asset)
    }
    assert len(outlets) == len(DATASETS) + len(SUMMARIES)
    assert len({uri for _, uri in outlets}) == len({name for name, _ in outlets}) == len(outlets)


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


def test_tasks_take_turns_only_where_airflow_has_a_pool(dag: DAG) -> None:
    assert {task.pool for task in dag.tasks} <= {"default_pool", *(pool.name for pool in POOLS)}


def test_what_changes_data_by_hand_is_a_dry_run_unless_said(dag: DAG) -> None:
    if dag.schedule is None:
        assert dag.params["dry_run"] is True
        assert "**Dry run**" in (dag.doc_md or "")


def test_nothing_of_the_past_runs_by_itself(dag: DAG) -> None:
    assert dag.catchup is False
    assert dag.start_date is None


def test_nothing_is_published_before_the_gate(dag_bag: DagBag) -> None:
    publishing = [dag for dag in dag_bag.dags.values() if dag.has_task("publish")]
    assert publishing
    for dag in publishing:
        before = dag.get_task("publish").get_flat_relative_ids(upstream=True)
        (judge,) = {"gate", "approve"} & before
        assert dag.get_task(judge).trigger_rule == dag.get_task("publish").trigger_rule == "all_success"


def test_nothing_is_changed_by_hand_before_the_go_ahead(dag_bag: DagBag) -> None:
    for dataset in DATASETS:
        rebuild = dag_bag.dags[f"{dataset.name}__rebuild"]
        assert rebuild.get_task("publish").upstream_task_ids == {"compact", "go_ahead"}
        assert rebuild.get_task("go_ahead").upstream_task_ids == {"gate"}
        rollback = dag_bag.dags[f"{dataset.name}__rollback"]
        assert rollback.get_task("roll_back").upstream_task_ids == {"approve"}
        assert rollback.get_task("approve").upstream_task_ids == {"list_snapshots", "go_ahead"}


def test_records_are_erased_only_after_a_person_has_approved() -> None:
    dataset = DATASETS[0]
    personal = dataset.columns[0].model_copy(update={"pii": True})
    dag = build_erase(dataset.model_copy(update={"columns": (personal, *dataset.columns[1:])}))
    order = {task.task_id: task.upstream_task_ids for task in dag.tasks}
    assert order == {
        "count": set(),
        "go_ahead": {"count"},
        "approve": {"go_ahead"},
        "erase": {"approve"},
    }
    assert dag.params.get_param("column").schema["enum"] == [personal.name]
    assert dag.params["dry_run"] is True


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
