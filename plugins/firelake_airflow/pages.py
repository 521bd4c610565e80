"""``docs/dags.md``, written from the DAGs themselves: what there is to run, and what each is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from airflow.sdk import DAG
from firelake.markdown import table
from firelake.spec.load import PROJECT_ROOT

from firelake_airflow.timetable import ArrivalPeriodTimetable

PAGE = PROJECT_ROOT / "docs" / "dags.md"

_INTRODUCTION = """\
# The DAGs

Written from `dags/` by `python -m firelake_airflow.pages`; do not edit. Each DAG's own documentation in
Airflow is its runbook: what every task does, and what to do when it fails."""

_KINDS = (
    ("pipeline", "Pipelines", "From raw to trusted, one arrival period a run; *Backfill* runs the past."),
    ("summary", "Summaries", "Started when a table that it reads has changed, for what has changed."),
    ("rebuild", "Rebuilds", "Started by hand."),
    ("accept", "Acceptances", "Started by hand, approved by a steward, who says why."),
    ("rollback", "Rollbacks", "Started by hand, approved by a person."),
    ("erase", "Erasures", "Started by hand, approved by a person; for datasets with personal data."),
    ("lake", "The whole lake", "By the clock."),
)


def dag_page(dags: Mapping[str, DAG]) -> str:
    """Return the page of all DAGs, by id, as Markdown."""
    lines = [_INTRODUCTION]
    for tag, title, how in _KINDS:
        found = [dag for _, dag in sorted(dags.items()) if tag in dag.tags]
        if found:
            lines += ["", f"## {title}", "", how, "", *_table(found)]
    return "\n".join(lines) + "\n"


def _table(dags: Iterable[DAG]) -> list[str]:
    return table(("DAG", "owner", "runs", "tasks", "for"), (_row(dag) for dag in dags))


def _row(dag: DAG) -> tuple[str, str, str, str, str]:
    tasks = ", ".join(f"`{task.task_id}`" for task in dag.tasks)
    owners = ", ".join(sorted({task.owner for task in dag.tasks}))
    return f"`{dag.dag_id}`", owners, _runs(dag), tasks, dag.description or ""


def _runs(dag: DAG) -> str:
    form = ", ".join(f"`{name}`" for name in dag.params)
    asked = f"; asks for {form}" if form else ""
    if dag.schedule is None:
        return f"by hand{asked}"
    match dag.schedule:
        case str(cron) | ArrivalPeriodTimetable(cron=cron):
            return f"`{cron}` UTC{asked}"
        case _:
            return f"when its sources change{asked}"


def _read() -> Iterator[DAG]:
    from airflow.dag_processing.dagbag import DagBag

    yield from DagBag(PROJECT_ROOT / "dags").dags.values()


if __name__ == "__main__":
    PAGE.write_text(dag_page({dag.dag_id: dag for dag in _read()}), encoding="utf-8")
