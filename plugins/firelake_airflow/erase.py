"""Erasing records by personal data, once a person has approved, and proving it."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, Param, task
from firelake.spec import Dataset

from firelake_airflow.approval import AskFirst
from firelake_airflow.operation_runbooks import erase_runbook
from firelake_airflow.operations import dry_run, go_ahead
from firelake_airflow.pools import COMPACTION
from firelake_airflow.retries import RETRYING
from firelake_airflow.runs import run_origin

_log = logging.getLogger(__name__)


def personal_columns(dataset: Dataset) -> tuple[str, ...]:
    """Return the columns that hold personal data."""
    return tuple(column.name for column in dataset.columns if column.pii)


def build_erase(dataset: Dataset) -> DAG:
    """Return the DAG that erases records from a dataset.

    Parameters
    ----------
    dataset
        What the dataset's YAML declares; at least one column holds personal data.
    """
    columns = personal_columns(dataset)
    with DAG(
        dag_id=f"{dataset.name}__erase",
        description=f"Erase records of {dataset.name} by personal data from everywhere, with proof.",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": dataset.owner},
        params={
            "column": Param(columns[0], type="string", enum=list(columns), title="Column"),
            "values": Param(
                type="array",
                items={"type": "string"},
                minItems=1,
                title="Values",
                description="Records with one of these go. One a line, exactly as the column holds them.",
            ),
            "dry_run": dry_run(),
        },
        doc_md=erase_runbook(dataset, columns),
        tags=["erase", dataset.name],
    ) as dag:
        approval = AskFirst(
            task_id="approve",
            doc_md="Ask a person whether the records are to be erased for good.",
            subject=f"Erase records of {dataset.name} for good?",
            body="{{ ti.xcom_pull(task_ids='count') }}",
        )
        counted: Any = count(dataset.name)
        counted >> go_ahead() >> approval >> erase(dataset.name, "{{ run_id }}")
    return dag


@task(pool=COMPACTION.name)
def count(dataset: str, params: Any = None) -> str:
    """Read everything and say how many records would go, and from where."""
    from firelake.erase import erase_by_name

    planned = str(erase_by_name(dataset, params["column"], params["values"], None))
    _log.info("%s", planned)
    return planned


@task(pool=COMPACTION.name)
def erase(dataset: str, airflow_run: str, params: Any = None) -> dict[str, Any]:
    """Erase the records, prove that none is left, and write the report."""
    from firelake.erase import erase_by_name

    report = erase_by_name(dataset, params["column"], params["values"], run_origin(airflow_run))
    _log.info("%s\nReport: %s", report, report.report_uri)
    return report.model_dump(mode="json")
