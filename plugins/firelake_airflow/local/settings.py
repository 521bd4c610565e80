"""Where the local stack lives, and every setting its processes run with."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from firelake.spec.load import PROJECT_ROOT

HOST = "127.0.0.1"
USER = "admin"
MARKER = "FIRELAKE_STACK"
"""Every process of a stack carries the stack's folder in this variable; so `down` finds all of them."""


@dataclass(frozen=True)
class Settings:
    """One local stack.

    Parameters
    ----------
    folder
        Where it keeps its state and logs.
    aws_port, airflow_port
        Where Local AWS and Airflow listen, on 127.0.0.1.
    lake
        Name of the lake, which its buckets begin with.
    """

    folder: Path
    aws_port: int
    airflow_port: int
    lake: str

    @classmethod
    def from_environment(cls) -> Settings:
        """Return the stack that FIRELAKE_VAR, AWS_PORT, AIRFLOW_PORT and FIRELAKE_NAME name."""
        return cls(
            folder=Path(os.environ.get("FIRELAKE_VAR", PROJECT_ROOT / "var")).resolve(),
            aws_port=int(os.environ.get("AWS_PORT", "4566")),
            airflow_port=int(os.environ.get("AIRFLOW_PORT", "8080")),
            lake=os.environ.get("FIRELAKE_NAME", "firelake"),
        )

    @property
    def aws_url(self) -> str:
        """Local AWS's endpoint."""
        return f"http://{HOST}:{self.aws_port}"

    @property
    def airflow_url(self) -> str:
        """Airflow's UI and API."""
        return f"http://{HOST}:{self.airflow_port}"

    @property
    def logs(self) -> Path:
        """Where each process writes its log."""
        return self.folder / "log"

    @property
    def aws_data(self) -> Path:
        """Local AWS's state."""
        return self.folder / "localaws"

    @property
    def airflow_home(self) -> Path:
        """Airflow's state."""
        return self.folder / "airflow"

    @property
    def passwords_file(self) -> Path:
        """Airflow's login, readable by its owner only."""
        return self.airflow_home / "passwords.json"

    def make_folders(self) -> None:
        """Create the stack's folders, closed to other users, and a login."""
        for folder in (self.folder, self.logs, self.aws_data, self.airflow_home):
            folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        if not self.passwords_file.exists():
            self.passwords_file.touch(mode=0o600)
            self.passwords_file.write_text(json.dumps({USER: secrets.token_urlsafe(12)}), encoding="utf-8")

    def password(self) -> str:
        """Return the password of :data:`USER`."""
        password: str = json.loads(self.passwords_file.read_text(encoding="utf-8"))[USER]
        return password

    def environment(self) -> dict[str, str]:
        """Return the environment of the stack's processes.

        Whatever the shell says about Airflow and AWS is left out: a local stack must never reach
        a real account.
        """
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "AWS_"))
        }
        own = {
            MARKER: str(self.folder),
            # Airflow renames its processes; without this the new name would overwrite the marker.
            "SPT_NOENV": "1",
            "NO_PROXY": f"{HOST},localhost",
            # The scheduler is forked for every task, which threads would not survive.
            "OPENBLAS_NUM_THREADS": "1",
        }
        return inherited | self._aws() | self._airflow() | own

    def _aws(self) -> dict[str, str]:
        return {
            "FIRELAKE_NAME": self.lake,
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _airflow(self) -> dict[str, str]:
        sections = {
            "CORE__DAGS_FOLDER": PROJECT_ROOT / "dags",
            "CORE__PLUGINS_FOLDER": PROJECT_ROOT / "plugins",
            "CORE__LOAD_EXAMPLES": False,
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": 4,
            # Nothing runs by itself before its next tick: the past is left to backfills.
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
            "CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": self.passwords_file,
            "API__HOST": HOST,
            "API__PORT": self.airflow_port,
            "API__BASE_URL": self.airflow_url,
            "API__WORKERS": 1,
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.2,
            "USAGE_DATA_COLLECTION__ENABLED": False,
        }
        variables = {f"AIRFLOW__{name}": str(value) for name, value in sections.items()}
        return variables | {"AIRFLOW_HOME": str(self.airflow_home)}
