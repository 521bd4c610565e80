"""Where a container finds the others: URLs from its environment, passwords from its secrets.

``python -m firelake_airflow.deployed.connections database`` prints one. Airflow reads its connections by
such commands, so that no password is ever in an environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

_SECRETS = Path("/run/secrets")


class DeploymentError(Exception):
    """A part of the deployment cannot be reached or used; the message says what to do."""


def database_url() -> str:
    """Return the metadata database's URL, password included."""
    return _with_password(os.environ["FIRELAKE_DATABASE_URL"], secret("postgres_password"))


def broker_url() -> str:
    """Return the broker's URL, password included."""
    return _with_password(os.environ["FIRELAKE_BROKER_URL"], secret("rabbitmq_password"))


def airflow_url() -> str:
    """Return Airflow's base URL."""
    return os.environ["FIRELAKE_AIRFLOW_URL"]


def admin_password() -> str:
    """Return the password of Airflow's first user."""
    return secret("admin_password")


def secret(name: str) -> str:
    """Return a secret.

    Raises
    ------
    DeploymentError
        If its file cannot be read, or is empty.
    """
    path = _SECRETS / name
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise DeploymentError(
            f"{path}: {error.strerror}; make the secrets: deploy/make-secrets.sh"
        ) from error
    if not text:
        raise DeploymentError(f"{path} is empty; remove it and make it anew: deploy/make-secrets.sh")
    return text


def _with_password(url: str, password: str) -> str:
    scheme, rest = url.split("://", 1)
    user, place = rest.split("@", 1)
    return f"{scheme}://{user}:{quote(password, safe='')}@{place}"


def main(what: str) -> int:
    """Print a URL; return the exit code."""
    try:
        # Airflow takes the output as it is, line ends included.
        print({"database": database_url, "broker": broker_url}[what](), end="")
    except DeploymentError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
