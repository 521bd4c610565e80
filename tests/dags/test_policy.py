"""What the cluster's policy refuses."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.exceptions import AirflowClusterPolicyViolation
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.settings import get_policy_plugin_manager

SOUND: dict[str, Any] = {"owner": "tests", "retries": 1}


def read(doc_md: str | None, **arguments: Any) -> None:
    """Ask the policy, as Airflow does when it reads a DAG."""
    with DAG("example", schedule=None, doc_md=doc_md) as dag:
        task = EmptyOperator(task_id="work", **arguments)
    policies = get_policy_plugin_manager().hook
    policies.dag_policy(dag=dag)
    policies.task_policy(task=task)


def test_a_dag_with_documentation_owner_and_retries_is_let_in() -> None:
    read("What to do when it fails.", **SOUND)


@pytest.mark.parametrize(
    ("doc_md", "arguments", "problem"),
    [
        (None, SOUND, "DAG example: has no documentation"),
        ("  ", SOUND, "DAG example: has no documentation"),
        ("Something.", {"retries": 1}, "task work: has no owner"),
        ("Something.", {"owner": "tests", "retries": 0}, "task work: has no retries"),
    ],
)
def test_what_lacks_one_is_refused(doc_md: str | None, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(AirflowClusterPolicyViolation, match=problem):
        read(doc_md, **arguments)
