"""Local AWS and Airflow's processes, up and down."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firelake.spec.load import PROJECT_ROOT

from firelake_airflow.local.api import AirflowApi
from firelake_airflow.local.processes import (
    AIRFLOW,
    Say,
    StackError,
    Started,
    require_free,
    run_airflow,
    running,
    start,
    stop,
    wait_until,
)
from firelake_airflow.local.settings import USER, Settings

_AWS_PYTHON = PROJECT_ROOT / "localaws" / ".venv" / "bin" / "python"
# Logs are read from disk; nobody needs them served on a port of their own.
_COMPONENTS = {
    "scheduler": [sys.executable, "-m", "firelake_airflow.preloaded", "scheduler", "--skip-serve-logs"],
    "api-server": [str(AIRFLOW), "api-server"],
    "dag-processor": [sys.executable, "-m", "firelake_airflow.preloaded", "dag-processor"],
    "triggerer": [str(AIRFLOW), "triggerer", "--skip-serve-logs"],
}
_READY_SECONDS = 120


class Stack:
    """The processes of one local stack.

    Parameters
    ----------
    settings
        Where it lives and listens.
    say
        Told what happens, line by line.
    """

    def __init__(self, settings: Settings, say: Say) -> None:
        self.settings = settings
        self.say = say
        self._started: list[Started] = []

    @property
    def folder(self) -> Path:
        """Where the stack keeps its state."""
        return self.settings.folder

    @property
    def aws_url(self) -> str:
        """Local AWS's endpoint."""
        return self.settings.aws_url

    @property
    def run_seconds(self) -> float:
        """How long the demo waits for runs of one DAG."""
        return 300

    @contextmanager
    def ending_on_failure(self) -> Iterator[None]:
        """Check that the stack can start, and end what was started if the block does not finish.

        Raises
        ------
        StackError
            If the stack runs already, or a port is taken.
        """
        if processes := running(self.settings):
            raise StackError(f"This stack is up already ({len(processes)} processes); end it with: make down")
        require_free(self.settings.aws_port, "Local AWS", "AWS_PORT")
        require_free(self.settings.airflow_port, "Airflow", "AIRFLOW_PORT")
        self.settings.make_folders()
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def start_aws(self) -> None:
        """Start Local AWS and wait until it answers."""
        settings = self.settings
        arguments = ["--port", str(settings.aws_port), "--data-dir", str(settings.aws_data)]
        local_aws = self._start("localaws", [str(_AWS_PYTHON), "-m", "localaws", *arguments])
        wait_until(self._aws_answers, "Local AWS", [local_aws], _READY_SECONDS)
        self.say(f"Local AWS answers on {settings.aws_url}")

    def start_airflow(self) -> None:
        """Start Airflow's processes; they come up while other work is done."""
        self.airflow("db", "migrate")
        for name, command in _COMPONENTS.items():
            self._start(name, command)

    def wait_for_airflow(self, dag_ids: set[str]) -> AirflowApi:
        """Wait until Airflow is healthy and knows the DAGs; return its API."""
        api = self.api()
        wait_until(api.healthy, "Airflow", self._started, _READY_SECONDS)
        wait_until(lambda: dag_ids <= api.dag_ids(), f"Airflow with {', '.join(dag_ids)}", self._started, 60)
        self.say(f"Airflow is healthy on {self.settings.airflow_url}")
        return api

    def api(self) -> AirflowApi:
        """Return a client of the stack's Airflow."""
        return AirflowApi(self.settings.airflow_url, USER, self.settings.password())

    def airflow(self, *arguments: str) -> None:
        """Run an ``airflow`` command to its end.

        Raises
        ------
        StackError
            If it fails, with the end of what it said.
        """
        run_airflow(self.settings.environment(), *arguments)

    def stop(self) -> None:
        """End every process of the stack, also those of a starter that was killed."""
        ended = stop(self.settings)
        for started in self._started:
            started.process.wait()
        self.say(f"Ended {ended} processes" if ended else "Nothing is running")

    def _start(self, name: str, command: list[str]) -> Started:
        started = start(self.settings, name, command)
        self._started.append(started)
        return started

    def _aws_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.settings.aws_url}/_localaws/health", timeout=5) as response:  # noqa: S310
                return bool(response.status == 200)
        except OSError:
            return False
