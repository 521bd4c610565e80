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
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import LocalLake
from tests.e2e.lake_tour import WAIT_MS, Tour

pytestmark = pytest.mark.timeout(600)

DATASET = "iot_device_telemetry"
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
    Tour(page, up.settings.airflow_url, "light").sign_in(USER, up.settings.password())
    page.goto(f"{up.settings.airflow_url}/dags")
    for dag_id in DAG_IDS:
        page.get_by_role("link", name=dag_id, exact=True).first.wait_for()
        assert {run["state"] for run in up.api.runs(dag_id)} == {"success"}
    assert up.api.get("importErrors")["total_entries"] == 0
    assert up.api.get("dagWarnings")["total_entries"] == 0
    assert errors == []


@pytest.fixture(params=["light", "dark"])
def tour(up: LocalLake, page: Page, request: pytest.FixtureRequest) -> Iterator[Tour]:
    """Give a signed-in walk through the lake's pages, on which nothing may go wrong."""
    page.set_viewport_size({"width": 1280, "height": 860})
    page.emulate_media(color_scheme=request.param)
    tour = Tour(page, up.settings.airflow_url, request.param)
    assert page.request.get(f"{tour.url}/lake/").status == 401
    tour.sign_in(USER, up.settings.password())
    tour.watch()
    yield tour
    assert tour.wrong == []


def test_the_lake_is_seen_from_the_navigation_down_to_a_refused_record(up: LocalLake, tour: Tour) -> None:
    known = up.outcome["datasets"][DATASET]
    frame = tour.open_from_navigation()
    assert tour.is_dark(frame) is (tour.scheme == "dark")
    frame.get_by_role("link", name="Storage tiers", exact=True).click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Storage tiers", timeout=WAIT_MS)
    expect(frame.get_by_role("rowheader", name="raw", exact=True)).to_be_visible()
    tour.picture("tiers")
    frame.get_by_role("link", name="Overview", exact=True).click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Lake", timeout=WAIT_MS)
    tour.picture("overview")

    frame.get_by_role("link", name=DATASET, exact=True).click()
    expect(frame.get_by_role("heading", name="Where records went")).to_be_visible(timeout=WAIT_MS)
    expect(frame.locator("p.keys").first).to_contain_text(f"{known['records_in']:,}".replace(",", "\u202f"))
    expect(frame.locator(".tile", has_text="objects forgotten")).to_contain_text("none")
    tour.picture("table")
    frame.get_by_role("link", name="Rules", exact=True).click()
    expect(frame.get_by_role("heading", level=1)).to_have_text(f"{DATASET} rules", timeout=WAIT_MS)
    tour.picture("rules")

    frame.get_by_role("link", name=DATASET, exact=True).click()
    frame.locator("td a:has(code)").first.click()
    expect(frame.get_by_text("Every record is accounted for.")).to_be_visible(timeout=WAIT_MS)
    tour.picture("run")
    frame.locator("table.reasons a").first.click()
    expect(frame.locator("article.record").first).to_be_visible(timeout=WAIT_MS)
    tour.picture("quarantine")
    frame.locator("header a:has(code)").click()
    frame.get_by_role("link", name="Read the quality report.").click(timeout=WAIT_MS)
    report = frame.frame_locator("iframe.report")
    expect(report.get_by_role("heading", level=1)).to_contain_text(DATASET, timeout=WAIT_MS)
    tour.picture("report")


def test_dags_and_runs_have_a_tab_about_their_table(up: LocalLake, tour: Tour) -> None:
    dag_id = f"{DATASET}__pipeline"
    expect(tour.open_tab(dag_id).get_by_role("heading", name="Snapshots")).to_be_visible()
    tour.picture("dag")
    run = up.api.runs(dag_id)[-1]
    frame = tour.open_tab(dag_id, run["dag_run_id"])
    expect(frame.get_by_role("heading", name="Published", exact=True)).to_be_visible()
    expect(frame.get_by_role("heading", level=1)).to_contain_text(run["partition_key"])
    tour.picture("dag-run")
    expect(
        tour.open_tab("iot_device_health_daily__summary").get_by_role("heading", name="Runs")
    ).to_be_visible()


def test_a_phone_needs_no_sideways_scrolling(tour: Tour) -> None:
    tour.page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/", "/tiers", f"/tables/{DATASET}", f"/tables/{DATASET}/quality"):
        tour.open_alone(path)
        assert tour.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_dead_endpoint_is_named_and_tried_again(up: LocalLake, page: Page) -> None:
    (local_aws,) = (process for process in running(up.settings) if "localaws" in process.cmdline())
    local_aws.kill()
    psutil.wait_procs([local_aws], timeout=10)
    dag_id = "iot_device_telemetry__pipeline"
    started = up.api.post(f"dags/{dag_id}/dagRuns", {"logical_date": None, "partition_key": "2026-11-01"})

    deadline = time.monotonic() + 400
    while not (errors := _errors(up, started)):
        assert time.monotonic() < deadline
        time.sleep(2)

    assert errors[0].startswith("LakeUnreachable: ")
    assert f"{up.settings.aws_url} does not answer" in errors[0]
    states = {task["task_id"]: task["state"] for task in up.api.tasks(started)}
    assert states["compact"] == "up_for_retry"
    assert states["publish"] is None

    Tour(page, up.settings.airflow_url, "light").sign_in(USER, up.settings.password())
    while (
        "The lake does not answer"
        not in (said := page.request.get(f"{up.settings.airflow_url}/lake/")).text()
    ):
        # What was read before the end is shown for a minute.
        assert time.monotonic() < deadline
        time.sleep(2)
    assert said.status == 503
    assert up.settings.aws_url in said.text()


def _errors(lake: LocalLake, run: dict[str, Any]) -> list[str]:
    (compact,) = (task for task in lake.api.tasks(run) if task["task_id"] == "compact")
    return lake.api.errors(run, compact) if compact["state"] == "up_for_retry" else []
