"""Going back to an earlier snapshot of a trusted table, once a person has chosen and approved."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowSkipException
from firelake.layout import Zone
from firelake.spec import Dataset

from firelake_airflow.approval import AskFirst
from firelake_airflow.assets import announce, table_asset
from firelake_airflow.operation_runbooks import rollback_runbook
from firelake_airflow.operations import dry_run, go_ahead
from firelake_airflow.pools import COMPACTION
from firelake_airflow.retries import RETRYING
from firelake_airflow.runs import run_origin

_log = logging.getLogger(__name__)
_LISTING = "list_snapshots"
_APPROVAL = "approve"
_FIELD = "snapshot_id"


def build_rollback(dataset: Dataset) -> DAG:
    """Return the DAG that lets a dataset's readers see an earlier snapshot.

    Parameters
    ----------
    dataset
        What the dataset's YAML declares.
    """
    with DAG(
        dag_id=f"{dataset.name}__rollback",
        description=f"Let readers of {dataset.name} see an earlier snapshot.",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": dataset.owner},
        params={
            _FIELD: Param(
                None,
                type=["null", "string"],
                pattern="^[0-9]+$",
                title="Snapshot",
                description="Its id, if it is known; otherwise it is chosen in the approval.",
            ),
            "dry_run": dry_run(),
        },
        doc_md=rollback_runbook(dataset),
        tags=["rollback", dataset.name],
    ) as dag:
        listed: Any = list_snapshots(dataset.name)
        approval = AskFirst(
            task_id=_APPROVAL,
            doc_md="Ask a person which snapshot, and whether at all.",
            subject=f"Let readers of {dataset.name} see an earlier snapshot?",
            body="{{ ti.xcom_pull(task_ids='list_snapshots')['told'] }}",
            offer=_offer,
        )
        rolled_back: Any = roll_back(dataset.name, "{{ run_id }}")
        listed >> go_ahead() >> approval >> rolled_back
        listed >> approval
        announce(table_asset(Zone.TRUSTED, dataset.name), rolled_back)
    return dag


@task(task_id=_LISTING)
def list_snapshots(dataset: str, params: Any = None) -> dict[str, Any]:
    """List the snapshots to go back to, and say what going back to the one in the form would do."""
    from firelake.rollback import plan_by_name, snapshots_by_name

    found = snapshots_by_name(dataset)
    if not found:
        raise AirflowSkipException(f"{dataset} has no earlier snapshot.")
    rows = [
        f"| {one.snapshot_id} | {one.committed_at:%Y-%m-%d %H:%M:%S} | {one.rows:,} "
        f"| {one.objects_taken_back:,} | {one.run_id} |"
        for one in found
    ]
    header = [
        "| snapshot | committed at (UTC) | rows | raw objects taken back | made by |",
        "|---|---|---|---|---|",
    ]
    told = "\n".join([*header, *rows])
    if params[_FIELD] is not None:
        told = f"{plan_by_name(dataset, int(params[_FIELD]))}\n\n{told}"
    _log.info("%s", told)
    return {"told": told, "snapshots": [one.model_dump(mode="json") for one in found]}


@task(task_id="roll_back", pool=COMPACTION.name)
def roll_back(dataset: str, airflow_run: str, ti: Any = None) -> dict[str, Any]:
    """Give readers the chosen snapshot's rows, in one commit, and let Athena count them."""
    from firelake.rollback import roll_back_by_name

    answer = ti.xcom_pull(task_ids=_APPROVAL)
    chosen = int(answer["params_input"][_FIELD])
    _log.info(
        "Approved by %s: snapshot %d", (answer["responded_by_user"] or {}).get("name", "nobody"), chosen
    )
    done = roll_back_by_name(dataset, chosen, run_origin(airflow_run))
    _log.info("%d raw objects held, to be run again: %s", len(done["plan"]["held"]), done["plan"]["periods"])
    return done


def _offer(context: Any) -> dict[str, Param]:
    """Return the list to choose from, the form's snapshot or the newest first."""
    found = context["ti"].xcom_pull(task_ids=_LISTING)["snapshots"]
    labels = {
        str(one["snapshot_id"]): f"{one['committed_at'][:19]} · {one['rows']:,} rows · {one['snapshot_id']}"
        for one in found
    }
    wanted = context["params"][_FIELD] or next(iter(labels))
    return {
        _FIELD: Param(
            wanted, type="string", enum=list(labels), values_display=labels, title="Snapshot to go back to"
        )
    }
