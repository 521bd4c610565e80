"""A summary table's DAG: stage, gate, publish, verify, for each event partition that has changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import (
    DAG,
    AssetAny,
    PartitionedAssetTimetable,
    task,
)
from firelake.layout import Zone
from firelake.spec import Dataset
from firelake.summary.spec import Summary, SummaryPartition

from firelake_airflow.assets import announce, table_asset
from firelake_airflow.pools import ATHENA
from firelake_airflow.reach import ReachMapper
from firelake_airflow.retries import RETRYING
from firelake_airflow.runbooks import summary_runbook
from firelake_airflow.runs import run_origin
from firelake_airflow.wording import counts

_log = logging.getLogger(__name__)


def build_summary(summary: Summary, sources: Mapping[str, Dataset]) -> DAG:
    """Return the DAG that rebuilds a summary's partitions when their sources have changed.

    Parameters
    ----------
    summary
        What the table's folder declares.
    sources
        All datasets by name, those that it reads among them.
    """
    table = summary.table
    with DAG(
        dag_id=f"{table.name}__summary",
        description=table.description,
        schedule=_on_change(table.partition, [sources[name] for name in table.sources]),
        catchup=False,
        max_active_runs=2,
        default_args={**RETRYING, "owner": table.owner},
        doc_md=summary_runbook(summary),
        tags=["summary", table.name],
    ) as dag:
        staged: Any = stage(table.name, "{{ partition_key }}", "{{ run_id }}")
        published: Any = publish(staged)
        gate(staged) >> published
        verify(published)
        announce(table_asset(Zone.SUMMARY, table.name), published)
    return dag


@task(pool=ATHENA.name)
def stage(table: str, partition: str, airflow_run: str) -> dict[str, Any]:
    """Let Athena compute the partition and write it where nobody sees it."""
    from firelake.summary import pipeline

    staged = pipeline.stage(table, partition, run_origin(airflow_run))
    _log.info("Staged as %s", staged["stage_uri"])
    return staged


@task
def gate(staged: dict[str, Any]) -> dict[str, Any]:
    """Evaluate the table's suite over the staged files and write the report."""
    from firelake.summary import pipeline

    verdict = pipeline.gate(staged["stage_uri"])
    _log.info("Report: %s", verdict["report_uri"])
    return verdict


@task
def publish(staged: dict[str, Any]) -> dict[str, Any]:
    """Make the staged files visible in one commit."""
    from firelake.summary import pipeline

    published = pipeline.publish(staged["stage_uri"])
    _log.info("Snapshot %s; rows by partition: %s", published["snapshot_id"], counts(published["rows"]))
    return published


@task(pool=ATHENA.name)
def verify(published: dict[str, Any]) -> dict[str, Any]:
    """Check that Athena sees exactly what was published."""
    from firelake.summary import pipeline

    return pipeline.verify(published)


def _on_change(partition: SummaryPartition, sources: list[Dataset]) -> PartitionedAssetTimetable:
    mappers: dict[Any, Any] = {
        table_asset(Zone.TRUSTED, source.name): ReachMapper(
            source.partition_by, partition.grain, partition.reads
        )
        for source in sources
    }
    return PartitionedAssetTimetable(assets=AssetAny(*mappers), partition_mapper_config=mappers)
