"""Maintenance: keeping tables and buckets small without taking anything from a reader."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, task
from firelake.durations import parse_duration
from firelake.layout import Lake
from firelake.spec import Dataset
from firelake.summary.spec import Summary

from firelake_airflow.operation_runbooks import MAINTENANCE
from firelake_airflow.operations import dry_run
from firelake_airflow.pools import COMPACTION
from firelake_airflow.retries import RETRYING

if TYPE_CHECKING:
    from firelake.maintain import Maintained, Maintenance

_log = logging.getLogger(__name__)
_OWNER = "lake-operations"
_CRON = "30 2 * * 0"


def build_maintenance(datasets: Iterable[Dataset], summaries: Iterable[Summary]) -> DAG:
    """Return the DAG that expires snapshots, removes orphans and joins small files.

    Parameters
    ----------
    datasets, summaries
        Each gets a task of its own.
    """
    with DAG(
        dag_id="lake__maintenance",
        description="Expire snapshots, remove what nothing names, join small files.",
        schedule=_CRON,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": _OWNER, "pool": COMPACTION.name},
        params={
            "dry_run": dry_run(default=False),
            "grace": Param(
                "7d",
                type="string",
                pattern=r"^[1-9][0-9]*[hd]$",
                title="Grace",
                description="Nothing that was in use so recently is removed: hours as 12h, days as 7d.",
            ),
        },
        doc_md=MAINTENANCE,
        tags=["lake"],
    ) as dag:
        for dataset in datasets:
            maintain_dataset.override(task_id=f"maintain_{dataset.name}", owner=dataset.owner)(dataset.name)
        for summary in summaries:
            table = summary.table
            maintain_summary.override(task_id=f"maintain_{table.name}", owner=table.owner)(table.name)
        maintain_shared()
    return dag


@task
def maintain_dataset(dataset: str, params: Any = None) -> list[dict[str, Any]]:
    """Maintain the dataset's trusted table, its quarantine and what its runs handed to each other."""
    from firelake.spec import find_dataset

    return _told(_maintenance(params).of_dataset(find_dataset(dataset)), params)


@task
def maintain_summary(summary: str, params: Any = None) -> list[dict[str, Any]]:
    """Maintain the summary's table and what its runs handed to each other."""
    from firelake.summary.pipeline import find_summary

    return _told(_maintenance(params).of_summary(find_summary(summary).table), params)


@task
def maintain_shared(params: Any = None) -> list[dict[str, Any]]:
    """Maintain the ledger and the history of quality, which all datasets write to."""
    return _told(_maintenance(params).of_shared(), params)


def _maintenance(params: Any) -> Maintenance:
    from firelake.maintain import Maintenance

    grace = parse_duration(params["grace"])
    return Maintenance(Lake.from_environment(), grace, apply=not params["dry_run"])


def _told(maintained: Iterable[Maintained], params: Any) -> list[dict[str, Any]]:
    """Log each thing as it is done, and return all."""
    done: list[dict[str, Any]] = []
    for one in maintained:
        _log.info(
            "%s: %d snapshots expired, %d objects (%d bytes) removed, partitions joined: %s",
            one.target,
            one.snapshots_expired,
            one.objects_removed,
            one.bytes_removed,
            ", ".join(one.partitions_joined) or "none",
        )
        done.append(one.model_dump(mode="json"))
    if params["dry_run"]:
        _log.info("A dry run: nothing was changed.")
    return done
