"""The cluster's policy, which Airflow asks of every DAG and task that it reads, whoever wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.exceptions import AirflowClusterPolicyViolation

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator

_NOBODY = frozenset({"", "airflow"})


def dag_policy(dag: DAG) -> None:
    """Refuse a DAG that does not say what it is for and what to do when it fails.

    Raises
    ------
    AirflowClusterPolicyViolation
        Airflow shows it as the import error of the DAG's file.
    """
    if not (dag.doc_md or "").strip():
        raise AirflowClusterPolicyViolation(f"DAG {dag.dag_id}: has no documentation; give it doc_md")


def task_policy(task: BaseOperator) -> None:
    """Refuse a task that nobody answers for, or that one failure of the network ends.

    Raises
    ------
    AirflowClusterPolicyViolation
        Airflow shows it as the import error of the DAG's file.
    """
    place = f"DAG {task.dag_id}, task {task.task_id}"
    if task.owner in _NOBODY:
        raise AirflowClusterPolicyViolation(f"{place}: has no owner; give default_args an owner")
    if not task.retries:
        raise AirflowClusterPolicyViolation(f"{place}: has no retries; give default_args {{**RETRYING}}")
