"""What the DAGs that a person starts share: their form's fields, and the task behind which data changes."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, task
from airflow.sdk.exceptions import AirflowSkipException


def dry_run(*, default: bool = True) -> Param:
    """Return the form's switch between saying what would be done and doing it."""
    return Param(
        default,
        type="boolean",
        title="Dry run",
        description="Only say what would be done; change nothing.",
    )


def day(title: str, description: str) -> Param:
    """Return a day that the form requires."""
    return Param(type="string", format="date", title=title, description=description)


def perhaps_day(title: str, description: str) -> Param:
    """Return a day that the form may leave empty."""
    return Param(None, type=["null", "string"], format="date", title=title, description=description)


@task(task_id="go_ahead")
def go_ahead(params: Any = None) -> None:
    """Let what follows happen, unless this is a dry run."""
    if params["dry_run"]:
        raise AirflowSkipException("A dry run changes nothing; trigger again with Dry run off to do it.")
