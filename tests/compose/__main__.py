"""``make test-compose``: the deployment with docker compose, really run. Needs docker and nothing else."""

from __future__ import annotations

import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from tests.compose.checks import CHECKS
from tests.compose.deployment import Deployment, DeploymentError, require_docker


def main() -> int:
    """Run every check in order; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    say = _progress()
    with TemporaryDirectory(prefix="firelake-compose-") as folder:
        try:
            say(f"docker compose {require_docker()}")
            deployment = Deployment.prepare(f"firelake-test-{secrets.token_hex(3)}", Path(folder))
            try:
                _run_checks(deployment, say)
            finally:
                deployment.remove()
        except DeploymentError as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            return 1
    say("everything holds")
    return 0


def _run_checks(deployment: Deployment, say: Callable[[str], None]) -> None:
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            say(f"{name}: {check(deployment)}")
        except DeploymentError as failure:
            raise DeploymentError(f"{name}: {failure}") from failure


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _progress() -> Callable[[str], None]:
    began = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - began:5.0f} s] {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
