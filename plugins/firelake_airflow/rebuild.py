"""Making the rows of some event days anew from raw, after a spec or a suite has changed."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, task
from firelake.layout import Zone
from firelake.spec import Dataset

from firelake_airflow.assets import announce, table_asset
from firelake_airflow.operation_runbooks import rebuild_runbook
from firelake_airflow.operations import day, dry_run, go_ahead
from firelake_airflow.pipeline import compact, gate, publish, verify
from firelake_airflow.retries import RETRYING

_log = logging.getLogger(__name__)


def build_rebuild(dataset: Dataset) -> DAG:
    """Return the DAG that makes a dataset's rows of a range of event days anew.

    Parameters
    ----------
    dataset
        What the dataset's YAML declares.
    """
    with DAG(
        dag_id=f"{dataset.name}__rebuild",
        description=f"Make the rows of {dataset.name} of some event days anew from raw.",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": dataset.owner},
        params={
            "since": day("First event day", "Its rows are made anew."),
            "until": day("Last event day", "Included."),
            "dry_run": dry_run(),
        },
        doc_md=rebuild_runbook(dataset),
        tags=["rebuild", dataset.name],
    ) as dag:
        planned: Any = plan(dataset.name)
        staged: Any = compact(dataset.name, planned["arrival"], "{{ run_id }}")
        published: Any = publish(staged)
        gate(staged) >> go_ahead() >> published
        verify(published)
        announce(table_asset(Zone.TRUSTED, dataset.name), published)
    return dag


@task
def plan(dataset: str, params: Any = None) -> dict[str, Any]:
    """Find the arrival periods that may hold records of the days."""
    from firelake.pipeline import plan_rebuild

    planned = plan_rebuild(dataset, params["since"], params["until"])
    _log.info(
        "%s: event days %s to %s lie in %d raw objects (%d bytes) of arrival %s",
        dataset,
        params["since"],
        params["until"],
        planned["objects"],
        planned["bytes_raw"],
        planned["arrival"],
    )
    return planned
