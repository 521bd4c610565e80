"""Airflow's REST API, as far as the stack and the demo need it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

_TIMEOUT_S = 30
_HEALTHY = {"metadatabase", "scheduler", "triggerer", "dag_processor"}


class ApiError(Exception):
    """Airflow refused a request; the message holds its answer."""


class AirflowApi:
    """A signed-in client.

    Parameters
    ----------
    url
        Airflow's base URL.
    user, password
        The login.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def healthy(self) -> bool:
        """Tell whether the API answers and every component's heart beats."""
        try:
            health = self._request("GET", "/api/v2/monitor/health")
        except (OSError, ApiError):
            return False
        return all((health.get(part) or {}).get("status") == "healthy" for part in _HEALTHY)

    def get(self, path: str) -> Any:
        """Return what lies under ``/api/v2/``."""
        return self._signed("GET", path, None)

    def post(self, path: str, payload: object) -> Any:
        """Send a payload to a path under ``/api/v2/``."""
        return self._signed("POST", path, payload)

    def pause(self, dag_id: str, paused: bool) -> None:
        """Let a DAG start no runs by itself, or start them again."""
        self._signed("PATCH", f"dags/{quote(dag_id)}", {"is_paused": paused})

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow knows."""
        return {dag["dag_id"] for dag in self.get("dags?limit=1000")["dags"]}

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return a DAG's runs, the oldest first."""
        runs: list[dict[str, Any]] = self.get(f"dags/{quote(dag_id)}/dagRuns?limit=1000&order_by=id")[
            "dag_runs"
        ]
        return runs

    def result(self, run: dict[str, Any], task_id: str) -> Any:
        """Return what a task of a run returned."""
        return self.get(f"{_run_path(run)}/taskInstances/{quote(task_id)}/xcomEntries/return_value")["value"]

    def tasks(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a run's task instances."""
        tasks: list[dict[str, Any]] = self.get(f"{_run_path(run)}/taskInstances")["task_instances"]
        return tasks

    def errors(self, run: dict[str, Any], task: dict[str, Any]) -> list[str]:
        """Return the exceptions in the log of a task's last try."""
        number = max(task["try_number"], 1)
        path = f"{_run_path(run)}/taskInstances/{quote(task['task_id'])}/logs/{number}?full_content=true"
        details = (entry.get("error_detail") or [] for entry in self.get(path)["content"])
        return [f"{one['exc_type']}: {one['exc_value']}" for detail in details for one in detail]

    def _signed(self, method: str, path: str, payload: object) -> Any:
        if self._token is None:
            self._token = self._request("POST", "/auth/token", self._login)["access_token"]
        return self._request(method, f"/api/v2/{path}", payload)

    def _request(self, method: str, path: str, payload: object = None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = None if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(self._url + path, body, headers, method=method)  # noqa: S310 - our URL
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - our URL
                return json.load(response)
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")
            raise ApiError(f"{method} {path}: HTTP {error.code}: {answer}") from error


def _run_path(run: dict[str, Any]) -> str:
    return f"dags/{quote(run['dag_id'])}/dagRuns/{quote(run['dag_run_id'], safe='')}"
