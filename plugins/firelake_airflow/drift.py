"""Drift: what arrives beside what the specs declare, one task a dataset."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from airflow.sdk import DAG, Param, task
from firelake.drift import TABLE
from firelake.layout import Lake, Zone
from firelake.spec import Dataset

from firelake_airflow.retries import RETRYING
from firelake_airflow.runbooks import DRIFT

_log = logging.getLogger(__name__)
_OWNER = "lake-operations"
_CRON = "20 4 * * *"


def build_drift(datasets: Iterable[Dataset]) -> DAG:
    """Return the DAG that compares what arrived with what the specs declare.

    Parameters
    ----------
    datasets
        Each gets a task of its own.
    """
    table = f"{Lake.from_environment().database(Zone.OPS)}.{TABLE}"
    with DAG(
        dag_id="lake__drift",
        description="Find fields that are new, missing, retyped or renamed, and propose what to declare.",
        schedule=_CRON,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": _OWNER},
        params={
            "arrival": Param(
                None,
                type=["null", "string"],
                title="Arrival period",
                description="Day or hour, or two with a slash between; yesterday unless said.",
            )
        },
        doc_md=DRIFT.format(table=table),
        tags=["lake"],
    ) as dag:
        for dataset in datasets:
            detect.override(task_id=f"detect_{dataset.name}", owner=dataset.owner)(dataset.name)
    return dag


@task
def detect(dataset: str, params: Any = None) -> dict[str, Any]:
    """Sample what arrived, compare it with the spec, and keep and log what differs."""
    from firelake.drift.detect import detect_by_name

    found = detect_by_name(dataset, params["arrival"])
    _log.info("%s: %d records of %d objects sampled", dataset, found.records, found.objects)
    if found.patch:
        _log.warning(
            "%s differs from its spec; proposed for include/datasets/%s.yaml:\n%s",
            dataset,
            dataset,
            found.patch,
        )
    return found.model_dump(mode="json", exclude={"patch"})
