"""What a deployment must do, one function each, in the order in which they are run."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from firelake_airflow.local.api import AirflowApi, ApiError

from tests.compose.deployment import Deployment, DeploymentError, docker

_SERVICES = {
    "api-server": 1,
    "dag-processor": 1,
    "init": 1,
    "localaws": 1,
    "postgres": 1,
    "rabbitmq": 1,
    "scheduler": 1,
    "triggerer": 1,
    "worker": 2,
}
# The official images of these drop root by themselves, after they have seen to their volumes.
_START_AS_ROOT = {"postgres", "rabbitmq"}
_PIPELINE = "iot_device_telemetry__pipeline"
_DEMO = ("run", "--rm", "--no-deps", "-T", "demo", "--records", "3000")
_BEATING = ("scheduler", "triggerer", "dag_processor")
_RECOVERY_SECONDS = 180


def images_build(deployment: Deployment) -> str:
    """Both images are built from what is in the project."""
    deployment.must("build")
    made = f"reference=firelake-*:{deployment.version}"
    names = docker("image", "ls", "--filter", made, "--format", "{{.Repository}}")
    _require(sorted(names.split()) == ["firelake-airflow", "firelake-localaws"], f"images: {names}")
    return "firelake-airflow, firelake-localaws"


def missing_secret_is_named(deployment: Deployment) -> str:
    """Nothing starts without a secret, and the error names its file."""
    beside = replace(deployment, project=f"{deployment.project}-missing")
    with beside.other_secret("fernet_key", None) as other:
        try:
            done = other.compose("up", "--detach", "--wait")
        finally:
            other.must("down", "--volumes")
    _require(done.returncode != 0, "it started without fernet_key")
    return _line(done.stderr, str(other.secrets / "fernet_key"))


def everything_comes_up(deployment: Deployment) -> str:
    """Every service is there and healthy, and init has ended well."""
    deployment.must("up", "--detach", "--wait")
    _require_healthy(deployment)
    return f"{len(deployment.containers())} containers"


def nothing_is_open(deployment: Deployment) -> str:
    """No port beyond this machine, no root where we decide, no secret in an environment."""
    secrets = [deployment.secret(path.name) for path in deployment.secrets.iterdir()]
    ports = 0
    for container in deployment.containers():
        (found,) = json.loads(docker("inspect", container["ID"]))
        for bindings in (found["HostConfig"]["PortBindings"] or {}).values():
            ports += len(bindings)
            local = all(each["HostIp"] == "127.0.0.1" for each in bindings)
            _require(local, f"{container['Name']} listens on {bindings}")
        environment = "\n".join(found["Config"]["Env"])
        _require(not any(secret in environment for secret in secrets), f"{container['Name']} tells a secret")
        if container["State"] == "running" and container["Service"] not in _START_AS_ROOT:
            user = docker("exec", container["ID"], "id", "-u").strip()
            _require(user != "0", f"{container['Name']} runs as root")
    return f"{ports} ports on 127.0.0.1, {len(secrets)} secrets in no environment"


def wrong_passwords_are_explained(deployment: Deployment) -> str:
    """A password that differs from the volume's is named by init; a wrong sign-in is refused."""
    for name in ("postgres_password", "rabbitmq_password"):
        with deployment.other_secret(name, "wrong") as other:
            done = other.compose("run", "--rm", "--no-deps", "-T", "init")
        said = done.stdout + done.stderr
        _require(done.returncode == 1 and "Traceback" not in said, f"wrong {name}: {said}")
        _line(said, name)
    stranger = AirflowApi(f"http://127.0.0.1:{deployment.airflow_port}", "admin", "wrong")
    try:
        stranger.dag_ids()
    except ApiError as error:
        _require("HTTP 401" in str(error), str(error))
        return "database, broker and sign-in"
    raise DeploymentError("Airflow lets in who does not know the password")


def demo_balances(deployment: Deployment) -> str:
    """The main job runs on the Celery workers, and its accounting balances."""
    deployment.must(*_DEMO)
    workers = {each["ID"][:12] for each in deployment.containers() if each["Service"] == "worker"}
    hosts = {task["hostname"] for run in deployment.api.runs(_PIPELINE) for task in deployment.api.tasks(run)}
    _require(hosts <= workers, f"tasks ran on {hosts}, workers are {workers}")
    return _accounting(deployment)


def database_may_restart(deployment: Deployment) -> str:
    """Every component finds the database again, or is started again by Docker until it does."""
    began = datetime.now(UTC)
    deployment.must("restart", "postgres")
    _wait(lambda: _all_beat_since(deployment, began), "not every component came back after its database")
    deployment.must("up", "--detach", "--wait")
    _require_healthy(deployment)
    return f"all hearts beat again after {(datetime.now(UTC) - began).total_seconds():.0f} s"


def worker_may_be_lost(deployment: Deployment) -> str:
    """The tasks of a killed worker are run again by another one; the trusted rows are the same."""
    known = {run["dag_run_id"] for run in deployment.api.runs(_PIPELINE)}
    demo = deployment.start(*_DEMO)
    lost = _kill_busy_worker(deployment, demo)
    # It compares its rows with those of the demo before, and fails if they differ.
    said, _ = demo.communicate()
    _require(demo.returncode == 0, f"the demo failed after {lost['task_id']} was lost:\n{said}")
    runs = [run for run in deployment.api.runs(_PIPELINE) if run["dag_run_id"] not in known]
    again = [task for run in runs for task in deployment.api.tasks(run) if task["try_number"] > 1]
    _require(bool(again), f"{lost['task_id']} was lost and nothing was run again")
    deployment.must("up", "--detach", "--wait")
    tries = ", ".join(f"{task['task_id']} on try {task['try_number']}" for task in again)
    return f"{lost['task_id']} killed, {tries}; {_accounting(deployment)}"


def down_leaves_nothing(deployment: Deployment) -> str:
    """No container, volume or network outlives ``down --volumes``."""
    deployment.must("--profile", "demo", "down", "--volumes")
    remains = deployment.remains()
    _require(not any(remains.values()), f"left behind: {remains}")
    return "no container, volume or network"


CHECKS: tuple[Callable[[Deployment], str], ...] = (
    images_build,
    missing_secret_is_named,
    everything_comes_up,
    nothing_is_open,
    wrong_passwords_are_explained,
    demo_balances,
    database_may_restart,
    worker_may_be_lost,
    down_leaves_nothing,
)


def _kill_busy_worker(deployment: Deployment, demo: subprocess.Popen[str]) -> dict[str, Any]:
    busy = f"dags/{_PIPELINE}/dagRuns/~/taskInstances?state=running"
    while demo.poll() is None:
        for task in deployment.api.get(busy)["task_instances"]:
            # A task runs before it has said where.
            if task["hostname"]:
                docker("kill", task["hostname"])
                return dict(task)
        time.sleep(0.1)
    raise DeploymentError(f"the demo ended before a task was seen running:\n{demo.communicate()[0]}")


def _accounting(deployment: Deployment) -> str:
    cat = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "demo", "var/demo/outcome.json")
    outcomes = json.loads(deployment.must(*cat))["datasets"]
    _require(bool(outcomes), "the demo's outcome names no dataset")
    for name, outcome in outcomes.items():
        quarantined = sum(outcome["quarantined"].values())
        balance = outcome["trusted"] + outcome["duplicates"] + quarantined
        _require(outcome["records_in"] == balance > 0, f"{name} does not balance: {outcome}")
    return ", ".join(f"{each['records_in']:,} records balance" for each in outcomes.values())


def _require_healthy(deployment: Deployment) -> None:
    counts = dict.fromkeys(_SERVICES, 0)
    for container in deployment.containers():
        service = container["Service"]
        counts[service] += 1
        well = container["ExitCode"] == 0 if service == "init" else container["Health"] == "healthy"
        _require(well, f"{container['Name']} is {container['Status']}")
    _require(counts == _SERVICES, f"containers: {counts}")


def _all_beat_since(deployment: Deployment, moment: datetime) -> bool:
    try:
        health = deployment.api.get("monitor/health")
    except (ApiError, OSError):
        return False
    # What an earlier beat says of a component holds for a while after it has ended.
    beats = [health[part][f"latest_{part}_heartbeat"] for part in _BEATING]
    return all(beat is not None and datetime.fromisoformat(beat) > moment for beat in beats)


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _RECOVERY_SECONDS
    while not done():
        _require(time.monotonic() < deadline, otherwise)
        time.sleep(1)


def _line(said: str, part: str) -> str:
    for line in said.splitlines():
        if part in line and "warning" not in line:
            return line.strip()
    raise DeploymentError(f"no error names {part}:\n{said}")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise DeploymentError(otherwise)
