"""Publishing a batch that the gate refused, once a steward answers for it."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowSkipException
from firelake.layout import Zone
from firelake.spec import Dataset

from firelake_airflow.approval import AskFirst
from firelake_airflow.assets import announce, table_asset
from firelake_airflow.operation_runbooks import accept_runbook
from firelake_airflow.operations import dry_run, go_ahead
from firelake_airflow.pipeline import publish, verify
from firelake_airflow.retries import RETRYING

_log = logging.getLogger(__name__)
_LISTING = "list_refused"
_APPROVAL = "approve"


def build_accept(dataset: Dataset) -> DAG:
    """Return the DAG in which a steward accepts a batch of a dataset that broke critical rules.

    Parameters
    ----------
    dataset
        What the dataset's YAML declares.
    """
    with DAG(
        dag_id=f"{dataset.name}__accept",
        description=f"Publish a batch of {dataset.name} that the gate refused, if a steward answers for it.",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": dataset.owner},
        params={"dry_run": dry_run()},
        doc_md=accept_runbook(dataset),
        tags=["accept", dataset.name],
    ) as dag:
        listed: Any = list_refused(dataset.name)
        approval = AskFirst(
            task_id=_APPROVAL,
            doc_md="Ask a steward which batch, and why it may be published all the same.",
            subject=f"Publish a batch of {dataset.name} that broke critical rules?",
            body="{{ ti.xcom_pull(task_ids='list_refused')['told'] }}",
            offer=_offer,
        )
        accepted: Any = accept(dataset.name)
        listed >> go_ahead() >> approval >> accepted
        listed >> approval
        published: Any = publish(accepted)
        verify(published)
        announce(table_asset(Zone.TRUSTED, dataset.name), published)
    return dag


@task(task_id=_LISTING)
def list_refused(dataset: str) -> dict[str, Any]:
    """List the batches that the gate refused, with the rules that they broke."""
    from firelake.layout import Lake
    from firelake.quality.acceptance import refused

    found = refused(Lake.from_environment(), dataset)
    if not found:
        raise AirflowSkipException(f"The gate has refused no batch of {dataset} that is still staged.")
    told = "\n\n".join(
        f"**{one.run_id}** ([report]({one.report_uri}))\n"
        + "\n".join(
            f"- {result.partition} {rule.rule}: {rule.observed}"
            for result in one.results
            for rule in result.blocking
        )
        for one in found
    )
    _log.info("%s", told)
    return {"told": told, "runs": [one.run_id for one in found]}


@task
def accept(dataset: str, ti: Any = None) -> dict[str, Any]:
    """Write down who accepts the batch, and why; the history of quality keeps it."""
    from firelake.pipeline import accept_by_name

    answer = ti.xcom_pull(task_ids=_APPROVAL)
    form, person = answer["params_input"], answer["responded_by_user"]
    accepted = accept_by_name(dataset, form["run_id"], person["name"] if person else "", form["why"])
    _log.info("%s accepted by %s: %s", form["run_id"], accepted["by"], accepted["why"])
    return accepted


def _offer(context: Any) -> dict[str, Param]:
    """Return the batches to choose from, and room for the reason."""
    runs = context["ti"].xcom_pull(task_ids=_LISTING)["runs"]
    return {
        "run_id": Param(runs[0], type="string", enum=runs, title="Batch"),
        "why": Param(
            "", type="string", title="Why it may be published", description="The history of quality keeps it."
        ),
    }
