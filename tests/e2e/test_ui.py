"""Airflow's UI in a real browser, and what it says when AWS is gone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from firelake_airflow.local.processes import running
from firelake_airflow.local.settings import USER
from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import LocalLake

pytestmark = pytest.mark.timeout(600)

DAG_IDS = ("iot_device_health_daily__summary", "iot_device_telemetry__pipeline", "lake__lifecycle")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def up(lake: LocalLake) -> Iterator[LocalLake]:
    """Give the stack of the demo, up again."""
    done = lake.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert lake.settings.airflow_url in done.stdout
    assert lake.settings.password() in done.stdout
    yield lake
    assert lake.run("down").returncode == 0
    assert lake.process_names() == []


@pytest.fixture
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give a page of a browser that has never been anywhere."""
    chromium = shutil.which("chromium")
    assert chromium, "these tests need chromium on the PATH: make chromium"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("browser"), executable_path=chromium, args=_FLAGS
        )
        yield context.pages[0]
        context.close()


def test_the_dags_are_visible_and_green(up: LocalLake, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(up.settings.airflow_url)
    page.fill("input[name=username]", USER)
    page.fill("input[name=password]", up.settings.password())
    page.click("button[type=submit]")
    page.wait_for_url(f"{up.settings.airflow_url}/")
    page.goto(f"{up.settings.airflow_url}/dags")
    for dag_id in DAG_IDS:
        page.get_by_role("link", name=dag_id, exact=True).first.wait_for()
        assert {run["state"] for run in up.api.runs(dag_id)} == {"success"}
    assert up.api.get("importErrors")["total_entries"] == 0
    assert up.api.get("dagWarnings")["total_entries"] == 0
    assert errors == []


def test_a_dead_endpoint_is_named_and_tried_again(up: LocalLake) -> None:
    (local_aws,) = (process for process in running(up.settings) if "localaws" in process.cmdline())
    local_aws.kill()
    psutil.wait_procs([local_aws], timeout=10)
    dag_id = "iot_device_telemetry__pipeline"
    started = up.api.post(f"dags/{dag_id}/dagRuns", {"logical_date": None, "partition_key": "2026-11-01"})

    deadline = time.monotonic() + 300
    while not (errors := _errors(up, started)):
        assert time.monotonic() < deadline
        time.sleep(2)

    assert errors[0].startswith("LakeUnreachable: ")
    assert f"{up.settings.aws_url} does not answer" in errors[0]
    states = {task["task_id"]: task["state"] for task in up.api.tasks(started)}
    assert states["compact"] == "up_for_retry"
    assert states["publish"] is None


def _errors(lake: LocalLake, run: dict[str, Any]) -> list[str]:
    (compact,) = (task for task in lake.api.tasks(run) if task["task_id"] == "compact")
    return lake.api.errors(run, compact) if compact["state"] == "up_for_retry" else []
