"""One deployment of docker-compose.yaml under a name, ports and secrets of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firelake_airflow.local.api import AirflowApi

ROOT = Path(__file__).resolve().parents[2]
# The first that knows configs with their content inline.
_COMPOSE_NEEDED = (2, 23, 1)
_MAKE_SECRETS = ROOT / "deploy" / "make-secrets.sh"


class DeploymentError(Exception):
    """The deployment did not do what it must; the message says what it did."""


@dataclass(frozen=True)
class Deployment:
    """What is driven with docker compose, as an operator would.

    Parameters
    ----------
    project
        Name of containers, volumes and network.
    version
        Tag of its images, so that those of a real deployment stay as they are.
    secrets
        Folder of the secrets.
    airflow_port, aws_port
        Where it listens, on 127.0.0.1.
    """

    project: str
    version: str
    secrets: Path
    airflow_port: int
    aws_port: int

    @classmethod
    def prepare(cls, project: str, folder: Path) -> Deployment:
        """Make secrets and choose ports for a deployment that is yet to come up."""
        secrets = folder / "secrets"
        subprocess.run([_MAKE_SECRETS, secrets], check=True, capture_output=True)  # noqa: S603 - ours
        return cls(project, project, secrets, _free_port(), _free_port())

    @property
    def api(self) -> AirflowApi:
        """A client of its Airflow."""
        return AirflowApi(f"http://127.0.0.1:{self.airflow_port}", "admin", self.secret("admin_password"))

    def secret(self, name: str) -> str:
        """Return a secret."""
        return (self.secrets / name).read_text(encoding="utf-8")

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``docker compose`` to its end, whatever that is."""
        return subprocess.run(self.command(*arguments), **self._how(), capture_output=True, check=False)  # noqa: S603

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``docker compose``; its output is in ``stdout``."""
        how = self._how() | {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        started: subprocess.Popen[str] = subprocess.Popen(self.command(*arguments), **how)  # noqa: S603
        return started

    def must(self, *arguments: str) -> str:
        """Run ``docker compose`` and return its output; it must succeed."""
        done = self.compose(*arguments)
        if done.returncode:
            raise DeploymentError(f"docker compose {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def containers(self) -> list[dict[str, Any]]:
        """Return what Docker says of every container, ended ones included."""
        return [json.loads(line) for line in self.must("ps", "-a", "--format", "json").splitlines()]

    def remains(self) -> dict[str, list[str]]:
        """Return the containers, volumes and networks that bear the project's name."""
        mine = ("--quiet", "--filter", f"label=com.docker.compose.project={self.project}")
        listings = {"containers": ("ps", "-a"), "volumes": ("volume", "ls"), "networks": ("network", "ls")}
        return {kind: docker(*listing, *mine).split() for kind, listing in listings.items()}

    def remove(self) -> None:
        """Remove all that is left of it, its images too."""
        self.must("--profile", "*", "down", "--volumes")
        images = docker("image", "ls", "--quiet", "--filter", f"reference=firelake-*:{self.version}").split()
        if images:
            docker("image", "rm", "--force", *images)

    @contextmanager
    def other_secret(self, name: str, text: str | None) -> Iterator[Deployment]:
        """Give the same deployment with one secret changed, or missing."""
        secrets = self.secrets.with_name("other-secrets")
        shutil.copytree(self.secrets, secrets)
        (secrets / name).unlink()
        if text is not None:
            (secrets / name).write_text(text, encoding="utf-8")
        try:
            yield replace(self, secrets=secrets)
        finally:
            shutil.rmtree(secrets)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a ``docker compose`` command."""
        return ["docker", "compose", "--env-file", ".env.example", "-p", self.project, *arguments]

    def _how(self) -> dict[str, Any]:
        settings = {
            "FIRELAKE_VERSION": self.version,
            "FIRELAKE_SECRETS": str(self.secrets),
            "AIRFLOW_PORT": str(self.airflow_port),
            "AWS_PORT": str(self.aws_port),
        }
        return {"cwd": ROOT, "env": os.environ | settings, "text": True}


def docker(*arguments: str) -> str:
    """Run ``docker`` and return its output; it must succeed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise DeploymentError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def require_docker() -> str:
    """Return the version of docker compose.

    Raises
    ------
    DeploymentError
        If docker is missing, too old, or its engine does not answer.
    """
    if shutil.which("docker") is None:
        raise DeploymentError(
            "docker is not installed; this test needs Docker Engine 25 or newer with its compose plugin: "
            "https://docs.docker.com/engine/install/"
        )
    docker("version", "--format", "{{.Server.Version}}")
    version = docker("compose", "version", "--short").strip()
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < _COMPOSE_NEEDED:
        needed = ".".join(str(part) for part in _COMPOSE_NEEDED)
        raise DeploymentError(f"docker compose {version} is too old; {needed} or newer is needed")
    return version


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
