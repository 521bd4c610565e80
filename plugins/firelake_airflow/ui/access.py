"""Who may see what: Airflow's login, and its permissions on the DAGs that write a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, HTTPException, Request
from firelake.insight.reading import Reading
from firelake.insight.subject import Subject


def writing_dag(subject: Subject) -> str:
    """Return the DAG that writes a table; who may read it may see the table."""
    return f"{subject.name}__{'summary' if subject.dataset is None else 'pipeline'}"


def reading_of(request: Request) -> Reading:
    """Return the lake that the application shows."""
    reading: Reading = request.app.state.reading
    return reading


ReadingDep = Annotated[Reading, Depends(reading_of)]


def readable_dags(user: GetUserDep) -> set[str]:
    """Return the DAGs that the user may read."""
    return get_auth_manager().get_authorized_dag_ids(user=user, method="GET")


ReadableDagsDep = Annotated[set[str], Depends(readable_dags)]


def visible_subjects(dag_ids: ReadableDagsDep, reading: ReadingDep) -> dict[str, Subject]:
    """Return the tables that the user may see, by name."""
    subjects = reading.declared().subjects
    return {name: subject for name, subject in subjects.items() if writing_dag(subject) in dag_ids}


VisibleDep = Annotated[dict[str, Subject], Depends(visible_subjects)]


def visible_subject(table: str, visible: VisibleDep) -> Subject:
    """Return the table of the address, if the user may see it; whether it exists is not told otherwise."""
    if table not in visible:
        raise HTTPException(404, f"There is no table {table!r}, or you may not read its DAG.")
    return visible[table]


SubjectDep = Annotated[Subject, Depends(visible_subject)]


def runs_of(request: Request, subject: SubjectDep, user: GetUserDep) -> Subject:
    """Return the table of the address, if the user may read its DAG's runs too."""
    requires_access_dag("GET", DagAccessEntity.RUN, writing_dag(subject))(request, user)
    return subject


RunsOfDep = Annotated[Subject, Depends(runs_of)]


def subject_of(visible: Mapping[str, Subject], dag_id: str) -> Subject | None:
    """Return the table that a DAG is about, such as ``readings`` for ``readings__pipeline``."""
    return visible.get(dag_id.partition("__")[0])
