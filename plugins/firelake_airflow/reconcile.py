"""Reconciliation: whether raw, ledger, tables, catalog and Athena agree, for the whole lake."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from airflow.sdk import DAG, Param, task
from firelake.spec import Dataset

from firelake_airflow.operation_runbooks import RECONCILE
from firelake_airflow.pools import ATHENA
from firelake_airflow.retries import RETRYING

_log = logging.getLogger(__name__)
_OWNER = "lake-operations"
_CRON = "10 5 * * *"


def build_reconcile(datasets: Iterable[Dataset]) -> DAG:
    """Return the DAG that compares the parts of the lake with each other.

    Parameters
    ----------
    datasets
        Each gets two tasks of its own.
    """
    with DAG(
        dag_id="lake__reconcile",
        description="Compare raw with the ledger, the catalog with the lake, and counts with Athena's.",
        schedule=_CRON,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": _OWNER},
        params={
            "arrival": Param(
                None,
                type=["null", "string"],
                title="Arrival period",
                description="Day or hour, or two with a slash between; all that ever arrived, unless said.",
            ),
            "count_days": Param(
                8,
                type="integer",
                minimum=1,
                title="Days to count",
                description="Event partitions of so many days are counted through Athena, which scans them.",
            ),
        },
        doc_md=RECONCILE,
        tags=["lake"],
    ) as dag:
        catalog()
        for dataset in datasets:
            listing.override(task_id=f"listing_{dataset.name}", owner=dataset.owner)(dataset.name)
            count.override(task_id=f"count_{dataset.name}", owner=dataset.owner)(dataset.name)
    return dag


@task
def listing(dataset: str, params: Any = None) -> dict[str, Any]:
    """Compare the dataset's raw objects with the ledger, and the ledger with the tables."""
    from firelake.reconcile import reconcile_by_name

    found = reconcile_by_name(dataset, params["arrival"])
    _log.info(
        "%s: %d objects in raw, %d in the ledger", dataset, found.objects_listed, found.objects_recorded
    )
    return found.model_dump(mode="json")


@task(pool=ATHENA.name)
def count(dataset: str, params: Any = None) -> dict[str, int]:
    """Count the latest event partitions through Athena, the dataset's and those of its summaries."""
    from firelake.consistency import count_by_name

    counted = count_by_name(dataset, params["count_days"])
    _log.info("Athena counts what Iceberg says, in %d partitions", len(counted))
    return counted


@task
def catalog() -> dict[str, Any]:
    """Compare the Glue catalog and the buckets with what is declared."""
    from firelake.consistency import require_catalog

    found = require_catalog()
    _log.info("%d tables are as declared", len(found.tables))
    return found.model_dump(mode="json")
