"""Storage tiers: the buckets' lifecycle rules, as the specs declare them."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, Param, task

from firelake_airflow.retries import RETRYING
from firelake_airflow.runbooks import LIFECYCLE
from firelake_airflow.wording import counts

_log = logging.getLogger(__name__)
_OWNER = "lake-operations"
_CRON = "40 3 * * *"


def build_lifecycle() -> DAG:
    """Return the DAG that brings the buckets' lifecycle rules to what the specs declare."""
    with DAG(
        dag_id="lake__lifecycle",
        description="Apply the storage tiers that the datasets declare, and read them back.",
        schedule=_CRON,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRYING, "owner": _OWNER},
        params={
            "dry_run": Param(
                False,
                type="boolean",
                title="Dry run",
                description="Only say what would change.",
            )
        },
        doc_md=LIFECYCLE,
        tags=["lake"],
    ) as dag:
        tier()
    return dag


@task
def tier(params: Any = None) -> dict[str, Any]:
    """Merge the declared rules into the buckets' own, and read them back."""
    from firelake.layout import Lake
    from firelake.lifecycle import tier as bring_to_declared
    from firelake.spec import load_datasets

    # All of them or none: the rules of a dataset that cannot be read would look like leftovers.
    outcome = bring_to_declared(Lake.from_environment(), load_datasets(), dry_run=params["dry_run"])
    for rule in outcome.plan.changes:
        _log.info("Rule %s: %s", rule.id, rule.action)
    _log.info("Rules: %s; verified: %s", counts(outcome.counts), outcome.verified)
    return outcome.model_dump(mode="json", exclude={"plan"})
