"""Local stacks of their own for the end-to-end tests: own folder, own ports, real processes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from firelake_airflow.local.api import AirflowApi
from firelake_airflow.local.processes import running
from firelake_airflow.local.settings import USER, Settings

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 3000
_DEPLOYED = ("dags", "expectations", "include", "ingest", "localaws", "plugins")


@dataclass(frozen=True)
class LocalLake:
    """A local stack, driven as a person would: by its commands.

    Parameters
    ----------
    settings
        Where it lives and listens.
    project
        The code that it runs.
    """

    settings: Settings
    project: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the stack's commands to its end."""
        return subprocess.run(self.command(*arguments), **self._how(), capture_output=True, check=False)  # noqa: S603

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one of the stack's commands."""
        return subprocess.Popen(self.command(*arguments), **self._how(), stdout=subprocess.DEVNULL)  # noqa: S603

    def demo(self) -> subprocess.CompletedProcess[str]:
        """Run a small demo."""
        return self.run("demo", "--records", str(RECORDS))

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a command."""
        return [sys.executable, "-m", "firelake_airflow.local", *arguments]

    @property
    def outcome(self) -> dict[str, Any]:
        """What the last demo wrote down."""
        outcome: dict[str, Any] = json.loads((self.demo_folder / "outcome.json").read_bytes())
        return outcome

    @property
    def demo_folder(self) -> Path:
        """Where the demo leaves its outcome."""
        return self.settings.folder / "demo"

    @property
    def api(self) -> AirflowApi:
        """A client of the stack's Airflow."""
        return AirflowApi(self.settings.airflow_url, USER, self.settings.password())

    def process_names(self) -> list[str]:
        """Return the names of the stack's processes."""
        return [process.name() for process in running(self.settings)]

    def _how(self) -> dict[str, Any]:
        places = {
            "FIRELAKE_VAR": str(self.settings.folder),
            "AWS_PORT": str(self.settings.aws_port),
            "AIRFLOW_PORT": str(self.settings.airflow_port),
            "PYTHONPATH": os.pathsep.join((str(self.project / "plugins"), str(self.project))),
        }
        return {"cwd": self.project, "env": os.environ | places, "text": True}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def make_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalLake]]:
    """Give a function that makes a stack in an empty folder; what is left running is stopped at the end."""
    with ExitStack() as stopping:

        def make(project: Path = ROOT) -> LocalLake:
            folder = tmp_path_factory.mktemp("var")
            lake = LocalLake(Settings(folder, free_port(), free_port(), "firelake"), project)
            stopping.callback(lake.run, "down")
            return lake

        yield make


@pytest.fixture(scope="session")
def lake(make_lake: Callable[..., LocalLake]) -> LocalLake:
    """Give a stack in which a demo has run."""
    lake = make_lake()
    done = lake.demo()
    assert done.returncode == 0, done.stdout + done.stderr
    return lake


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a copy of the project, to be changed by a test."""
    for folder in _DEPLOYED:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", ".venv")
        )
    (tmp_path / "localaws" / ".venv").symlink_to(ROOT / "localaws" / ".venv")
    return tmp_path
