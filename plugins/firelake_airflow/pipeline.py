"""A dataset's pipeline: compact, gate, publish, crawl, verify; one arrival period a run."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.glue_crawler import GlueCrawlerRunOperator
from airflow.sdk import DAG, task
from firelake.layout import Lake, Zone
from firelake.outcome import Accounting
from firelake.spec import Dataset

from firelake_airflow.assets import announce, table_asset
from firelake_airflow.pools import ATHENA, COMPACTION
from firelake_airflow.retries import RETRYING
from firelake_airflow.runbooks import pipeline_runbook
from firelake_airflow.runs import run_origin
from firelake_airflow.timetable import ArrivalPeriodTimetable
from firelake_airflow.wording import accounting_line, counts

_log = logging.getLogger(__name__)
_CRAWL_POLL_S = 2
_CRAWL_RETRY = timedelta(seconds=5)


def build_pipeline(dataset: Dataset) -> DAG:
    """Return the DAG that takes a dataset's raw objects into its trusted table.

    Parameters
    ----------
    dataset
        What the dataset's YAML declares.
    """
    with DAG(
        dag_id=f"{dataset.name}__pipeline",
        description=dataset.description,
        schedule=ArrivalPeriodTimetable(dataset.cron, dataset.raw.arrival_period),
        # The past is run by a backfill, when somebody asks for it.
        catchup=False,
        max_active_runs=2,
        default_args={**RETRYING, "owner": dataset.owner},
        doc_md=pipeline_runbook(dataset),
        tags=["pipeline", dataset.name],
    ) as dag:
        # What a task returns stands for its value until the run: hence Any.
        staged: Any = compact(dataset.name, "{{ partition_key }}", "{{ run_id }}")
        published: Any = publish(staged)
        gate(staged) >> published
        published >> _crawl(dataset) >> verify(published)
        announce(table_asset(Zone.TRUSTED, dataset.name), published)
    return dag


@task(pool=COMPACTION.name)
def compact(dataset: str, period: str, airflow_run: str) -> dict[str, Any]:
    """Read, cast, deduplicate and merge the period's raw objects; stage the result where nobody sees it."""
    from firelake import pipeline

    staged = pipeline.compact(dataset, period, run_origin(airflow_run))
    _log.info("%s %s: %s", dataset, period, accounting_line(Accounting(**staged["accounting"])))
    _log.info("Staged as %s", staged["stage_uri"])
    return staged


@task
def gate(staged: dict[str, Any]) -> dict[str, Any]:
    """Evaluate the dataset's suite over the staged files and write the report."""
    from firelake import pipeline

    verdict = pipeline.gate(staged["stage_uri"])
    _log.info("Report: %s", verdict["report_uri"])
    return verdict


@task
def publish(staged: dict[str, Any]) -> dict[str, Any]:
    """Make the staged files visible in one commit."""
    from firelake import pipeline

    published = pipeline.publish(staged["stage_uri"])
    _log.info("Snapshot %s; rows by event partition: %s", published["snapshot_id"], counts(published["rows"]))
    return published


@task(pool=ATHENA.name)
def verify(published: dict[str, Any]) -> dict[str, Any]:
    """Check that Athena sees exactly what was published."""
    from firelake import pipeline

    return pipeline.verify(published)


def _crawl(dataset: Dataset) -> GlueCrawlerRunOperator:
    return GlueCrawlerRunOperator(
        task_id="crawl",
        doc_md="Bring the raw table in the Glue catalog up to date.",
        crawler_name=Lake.from_environment().raw_crawler(dataset.name),
        # The environment's credentials, as everywhere else.
        aws_conn_id=None,
        deferrable=True,
        poll_interval=_CRAWL_POLL_S,
        # Airflow may take a crawl that ends while the task is being deferred for a failed task, and
        # a try made again joins the crawl that runs: there is nothing to wait for.
        retry_delay=_CRAWL_RETRY,
        # The crawl that a neighbouring run has started sees this run's objects as well.
        fail_on_already_running=False,
    )
