"""Runs of DAGs, waited for until they are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from firelake_airflow.local.api import AirflowApi, ApiError
from firelake_airflow.local.processes import StackError

_POLL_S = 0.5
_LOCKED_S = 60
_DONE = {"success", "failed"}

Run = dict[str, Any]


class Runs:
    """Waits for runs, and explains those that failed.

    Parameters
    ----------
    api
        Airflow.
    seconds
        How long to wait for anything.
    """

    def __init__(self, api: AirflowApi, seconds: float) -> None:
        self._api = api
        self._seconds = seconds

    def known(self, dag_id: str) -> set[str]:
        """Return the ids of the runs there are."""
        return {run["dag_run_id"] for run in self._api.runs(dag_id)}

    @contextmanager
    def pausing(self, dag_ids: Iterable[str]) -> Iterator[None]:
        """Let some DAGs start no runs by themselves meanwhile: what changes then does not reach them."""
        paused: list[str] = []
        try:
            for dag_id in dag_ids:
                self._pause(dag_id, True)
                paused.append(dag_id)
            yield
        finally:
            for dag_id in paused:
                self._pause(dag_id, False)

    def result(self, run: Run, task_id: str) -> Any:
        """Return what a task of a run returned."""
        return self._api.result(run, task_id)

    def announced(self, runs: Iterable[Run]) -> dict[str, str]:
        """Return the partitions that pipeline runs have announced as changed, and when they last did."""
        changed: dict[str, str] = {}
        for run in runs:
            (task,) = (task for task in self._api.tasks(run) if task["task_id"] == "announce")
            if task["state"] == "success":
                for partition in self._api.result(run, "announce"):
                    changed[partition] = max(changed.get(partition, ""), task["end_date"])
        return changed

    def wait_new(self, dag_id: str, known: set[str], partitions: Iterable[str]) -> dict[str, Run]:
        """Wait until every partition has a successful run that is not ``known``; return them by partition."""
        wanted = set(partitions)

        def found() -> dict[str, Run]:
            new = (run for run in self._api.runs(dag_id) if run["dag_run_id"] not in known)
            return {run["partition_key"]: run for run in new if run["partition_key"] in wanted}

        return self._wait(
            found, lambda runs: wanted <= runs.keys(), f"{dag_id} for {', '.join(sorted(wanted))}"
        )

    def wait_since(self, dag_id: str, changed: Mapping[str, str]) -> dict[str, Run]:
        """Wait until every partition has a successful run that began after the partition changed."""

        def found() -> dict[str, Run]:
            latest: dict[str, Run] = {}
            for run in self._api.runs(dag_id):
                key, began = run["partition_key"], run["start_date"]
                if key in changed and (began is None or began >= changed[key]):
                    latest[key] = run
            return latest

        return self._wait(found, lambda runs: changed.keys() <= runs.keys(), dag_id)

    def trigger(self, dag_id: str) -> Run:
        """Start a DAG by hand and wait until it has succeeded."""
        started = self._api.post(f"dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"]

        def found() -> dict[str, Run]:
            return {run["dag_run_id"]: run for run in self._api.runs(dag_id) if run["dag_run_id"] == started}

        return self._wait(found, bool, dag_id)[started]

    def _pause(self, dag_id: str, paused: bool) -> None:
        """Pause or start a DAG, if need be again: the scheduler may hold the database for a while."""
        give_up_at = time.monotonic() + _LOCKED_S
        while True:
            try:
                return self._api.pause(dag_id, paused)
            except ApiError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(_POLL_S)

    def _wait(
        self, found: Callable[[], dict[str, Run]], complete: Callable[[dict[str, Run]], bool], what: str
    ) -> dict[str, Run]:
        deadline = time.monotonic() + self._seconds
        while True:
            runs = found()
            for run in runs.values():
                if run["state"] == "failed":
                    raise StackError(self._explain(run))
            if complete(runs) and all(run["state"] in _DONE for run in runs.values()):
                return runs
            if time.monotonic() > deadline:
                states = {run["dag_run_id"]: run["state"] for run in runs.values()}
                raise StackError(f"{what} did not finish in {self._seconds:.0f} s: {states}")
            time.sleep(_POLL_S)

    def _explain(self, run: Run) -> str:
        lines = [f"{run['dag_id']} failed for {run['partition_key']} (run {run['dag_run_id']}):"]
        for task in self._api.tasks(run):
            if task["state"] == "failed":
                lines += [f"  {task['task_id']}: {line}" for line in self._api.errors(run, task)]
        return "\n".join(lines)
