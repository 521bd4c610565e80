"""``python -m firelake_airflow.deployed.demo``: the main job, shown on the stack that runs already."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from firelake.errors import FirelakeError
from firelake.spec.load import PROJECT_ROOT

from firelake_airflow.deployed.connections import DeploymentError, admin_password, airflow_url
from firelake_airflow.local.api import AirflowApi, ApiError
from firelake_airflow.local.conclusion import conclude
from firelake_airflow.local.demo import Demo, Size
from firelake_airflow.local.processes import Say, StackError, run_airflow, wait_until
from firelake_airflow.local.settings import USER

_READY_SECONDS = 120


@dataclass(frozen=True)
class DeployedStack:
    """A stack that somebody else started.

    Parameters
    ----------
    folder
        Where the demo keeps what it sent and its outcome.
    aws_url
        Local AWS's endpoint.
    say
        Told what happens, line by line.
    run_seconds
        How long the demo waits for runs of one DAG.
    """

    folder: Path
    aws_url: str
    say: Say
    # A worker may be lost meanwhile: that takes minutes to notice and to try again.
    run_seconds: float = 900

    def wait_for_airflow(self, dag_ids: set[str]) -> AirflowApi:
        """Wait until Airflow is healthy and knows the DAGs; return its API."""
        api = AirflowApi(airflow_url(), USER, admin_password())
        wait_until(api.healthy, "Airflow", [], _READY_SECONDS)
        wait_until(lambda: dag_ids <= api.dag_ids(), f"Airflow with {', '.join(dag_ids)}", [], _READY_SECONDS)
        self.say(f"Airflow is healthy on {airflow_url()}")
        return api

    def airflow(self, *arguments: str) -> None:
        """Run an ``airflow`` command to its end."""
        run_airflow(os.environ, *arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    options = _parser().parse_args(arguments)
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint:
        print("The demo invents data: it needs Local AWS in AWS_ENDPOINT_URL", file=sys.stderr)
        return 1
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {line}", flush=True)

    try:
        demo = Demo(DeployedStack(PROJECT_ROOT / "var", endpoint, say), Size(options.days, options.records))
        return 0 if conclude(demo.run(), demo.folder / "outcome.json") else 1
    except (ApiError, DeploymentError, FirelakeError, StackError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    size = Size()
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--days", type=int, default=size.days, help="days of data (default: %(default)s)")
    parser.add_argument(
        "--records", type=int, default=size.records, help="events per source (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
