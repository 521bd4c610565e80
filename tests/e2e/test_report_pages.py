"""The quality pages in a real browser that has no network: on screen, in the dark, on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from firelake.layout import report_index_key, report_key, uri
from firelake.quality.report import ReportInput, TrendPoint, render_report
from firelake.quality.report_index import IndexedRun, render_index
from firelake.quality.result import RuleResult, Severity
from firelake.quality.verdict import Verdict
from playwright.sync_api import Browser, Page, sync_playwright

from tests.unit.quality.test_report import NOW, detected, drift, rule
from tests.unit.quality.test_report import result as gate_result

TABLE = "iot_device_telemetry"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def run_of(number: int, *rules: RuleResult) -> tuple[ReportInput, Verdict]:
    evaluated_at = NOW + timedelta(days=number)
    period = f"{evaluated_at:%Y-%m-%d}"
    results = (gate_result(*rules).model_copy(update={"evaluated_at": evaluated_at, "partition": period}),)
    trend = tuple(TrendPoint(NOW + timedelta(days=n), n, n % 2 == 0) for n in range(number + 2))
    report = ReportInput(
        TABLE,
        "Readings.",
        "owner",
        period,
        f"run-{number}",
        results,
        trends={"a.rule": trend},
        drift=detected(drift(field="a_field_with_a_name_as_long_as_they_come_in_the_wild")),
    )
    address = uri("lake-ops", report_key(TABLE, period, report.run_id))
    return report, Verdict(table=TABLE, run_id=report.run_id, results=results, report_uri=address)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the pages as they lie in the lake: three reports, one of a blocked run, and their index."""
    folder = tmp_path_factory.mktemp("lake")
    bad = rule("<b>a.rule</b>", success=False, rows_bad=3, sample=("<script>x()</script>", "\u202eabc"))
    remark = rule("remark", success=False, severity=Severity.WARNING, rows_bad=1)
    runs = [run_of(0, rule()), run_of(1, rule(), remark), run_of(2, bad, remark)]
    for report, _ in runs:
        page = folder / report_key(TABLE, report.period, report.run_id)
        page.parent.mkdir(parents=True)
        page.write_text(render_report(report), encoding="utf-8")
    index = render_index(TABLE, "Readings.", [IndexedRun.of(verdict) for _, verdict in runs])
    (folder / report_index_key(TABLE)).write_text(index, encoding="utf-8")
    return folder / f"reports/{TABLE}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "these tests need chromium on the PATH: make chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give a page without network; at the end nothing may have failed, been asked for or complained."""
    scheme: Literal["light", "dark"] = request.param
    context = browser.new_context(offline=True, color_scheme=scheme)
    page = context.new_page()
    wrong: list[str] = []
    page.on("requestfailed", lambda asked: wrong.append(asked.url))
    page.on("request", lambda asked: None if asked.url.startswith("file:") else wrong.append(asked.url))
    page.on("console", lambda said: wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    yield page
    context.close()
    assert wrong == []


def luminance(page: Page) -> int:
    colour: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_the_index_leads_to_every_report(folder: Path, page: Page) -> None:
    page.goto((folder / "index.html").as_uri())
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (luminance(page) < 200) is dark
    assert page.get_by_role("heading", level=2).first.inner_text() == "Blocked: nothing was published"
    assert page.locator("svg.history rect.block").count() == 1
    links = page.locator("td, th").get_by_role("link")
    assert [links.nth(number).inner_text() for number in range(3)] == [
        "2026-11-24",
        "2026-11-23",
        "2026-11-22",
    ]
    links.first.click()
    assert "Blocked" in page.title()
    assert page.get_by_role("heading", name="<b>a.rule</b>").count() == 1
    assert page.get_by_text("<script>x()</script>").count() >= 1
    assert (luminance(page) < 200) is dark
    page.get_by_role("link", name="index.html").click()
    assert page.title() == f"Quality of {TABLE}"


@pytest.mark.parametrize("name", ["index.html", "2026-11-24/run-2.html"])
def test_on_paper_it_is_black_on_white_and_nothing_is_cut_off(folder: Path, page: Page, name: str) -> None:
    page.goto((folder / name).as_uri())
    page.emulate_media(media="print", color_scheme="light")
    assert luminance(page) == 3 * 255
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("name", ["index.html", "2026-11-24/run-2.html"])
def test_a_phone_needs_no_sideways_scrolling(folder: Path, page: Page, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto((folder / name).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
