"""Airflow's UI in a real browser, and what it says when AWS is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
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
    page.goto(f"{up.settings.airflow_url}/dags")
    for dag_id in DAG_IDS:
        page.get_by_role("link", name=dag_id).wait_for()
        assert {run["state"] for run in up.api.runs(dag_id)} == {"success"}
    assert up.api.get("importErrors")["total_entries"] == 0
    assert up.api.get("dagWarnings")["total_entries"] == 0
    assert errors == []
