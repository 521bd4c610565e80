"""Pages show what they are given, run nothing of it, fetch nothing, and have something to say of nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
from firelake.insight.run import RunState
from firelake_airflow.ui import views
from firelake_airflow.ui.pages import Pages, report_response
from starlette.requests import Request

from tests.unit.quality.test_report import Page
from tests.unit.ui.stub import HOSTILE, REPORT, RUN, StubReading, Told, declared, subject

VIEWS: dict[str, Callable[[StubReading], dict[str, Any]]] = {
    "overview": lambda one: views.overview(one, one.declared().subjects, ""),
    "table": lambda one: views.table(one, subject(one), {"readings__pipeline", "readings__rollback"}),
    "quality": lambda one: views.quality(one, subject(one)),
    "run": lambda one: views.run(one, subject(one), RUN),
    "quarantine": lambda one: views.quarantine(one, subject(one), RUN, one.told.text),
    "report": lambda one: views.report(one, subject(one), RUN),
    "tiers": lambda one: views.tiers(one, one.declared().subjects),
}
EMPTY = {
    "overview": "no rows",
    "table": "The table is empty.",
    "quality": "Nothing was judged",
    "tiers": "The buckets are empty.",
    "quarantine": "No such record",
}
FORBIDDEN = {"script", "style", "link", "img", "object", "embed", "base"}


def html(reading: StubReading, name: str) -> str:
    request = Request({"type": "http", "root_path": "/lake", "headers": []})
    body = Pages(1).render(request, f"{name}.html.j2", VIEWS[name](reading)).body
    return bytes(body).decode()


def parsed(page: str) -> Page:
    """Read a page; what closes itself in HTML is closed for the parser."""
    return Page(re.sub(r"<(link|input|br)\b([^>]*)>", r"<\1\2/>", page))


@pytest.mark.parametrize("name", VIEWS)
def test_whatever_the_data_say_is_shown_as_text(name: str) -> None:
    hostile = html(StubReading(declared("readings"), Told(text=HOSTILE)), name)
    harmless = html(StubReading(declared("readings"), Told(text="harmless")), name)
    assert "<script" not in hostile
    assert "\u202e" not in hostile
    assert "\x00" not in hostile
    assert ">49" not in hostile
    # Neither a tag nor an attribute more than with harmless data.
    assert parsed(hostile).tags == parsed(harmless).tags
    assert parsed(hostile).attributes == parsed(harmless).attributes


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_is_fetched_but_the_styles_and_the_report(name: str) -> None:
    page = html(StubReading(declared("readings")), name)
    assert re.findall(r"https?://", page) == []
    assert FORBIDDEN & set(parsed(page).tags) == {"link"}
    assert re.findall(r'<link rel="stylesheet" href="([^"]*)">', page) == ["/lake/lake.css"]
    assert re.findall(r"""\s(?:style|on\w+)=""", page) == []
    frames = re.findall(r"<iframe[^>]*>", page)
    assert len(frames) == (name == "report")
    assert all(" sandbox " in frame for frame in frames)


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_lake_says_so(name: str) -> None:
    page = html(StubReading(declared("readings"), Told(full=False)), name)
    assert EMPTY[name] in parsed(page).text


def test_no_dataset_at_all_is_said_too() -> None:
    reading = StubReading(declared())
    assert "There is no dataset yet" in html(reading, "overview")
    assert "There is no dataset whose DAG you may read" in html(reading, "tiers")


def test_a_wrong_declaration_is_named() -> None:
    known = dataclasses.replace(declared("readings"), errors=("a.yaml:3: <b>sort_bye</b>: unknown key",))
    page = html(StubReading(known), "overview")
    assert "a.yaml:3: &lt;b&gt;sort_bye&lt;/b&gt;: unknown key" in page


def test_many_datasets_are_all_listed_and_can_be_searched() -> None:
    names = [f"readings_{number:03d}" for number in range(200)]
    reading = StubReading(declared(*names))
    page = html(reading, "overview")
    assert all(f">{name}</a>" in page for name in names)
    assert '<input type="search"' in page
    found = views.overview(reading, reading.declared().subjects, "_19")
    assert [line.subject.name for line in found["overview"].datasets] == names[190:200]


def test_personal_data_are_withheld() -> None:
    columns = {"who": {"type": "string", "pii": True}, "taken_at": {"type": "timestamp"}}
    told = Told(text="Jane Doe")
    withheld = html(StubReading(declared("readings", columns=columns), told), "quarantine")
    shown = html(StubReading(declared("readings"), told), "quarantine")
    assert "withheld" in withheld
    assert "<pre>" not in withheld
    # Reason and address are no personal data; text and detail may be.
    assert withheld.count("Jane Doe") == shown.count("Jane Doe") - 2


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RunState.PUBLISHED, "Readers see what this run made."),
        (RunState.BLOCKED, "Blocked: nothing was published"),
        (RunState.EMPTY, "Nothing arrived"),
        (RunState.UNFINISHED, "Not published"),
    ],
)
def test_a_run_says_what_became_of_it(state: RunState, words: str) -> None:
    assert words in parsed(html(StubReading(declared("readings"), Told(state=state)), "run")).text


def test_numbers_of_a_run_are_those_of_its_accounting() -> None:
    text = parsed(html(StubReading(declared("readings")), "run")).text
    assert "10 in = 7 trusted + 1 duplicates + 2 quarantined. Every record is accounted for." in text


def test_the_rollback_dag_is_named_to_those_who_may_read_it() -> None:
    reading = StubReading(declared("readings"))
    assert "readings__rollback" in html(reading, "table")
    page = Pages(1).render(
        Request({"type": "http", "root_path": "/lake", "headers": []}),
        "table.html.j2",
        views.table(reading, subject(reading), {"readings__pipeline"}),
    )
    assert b"readings__rollback" not in page.body


def test_pages_and_reports_may_not_run_or_fetch_anything() -> None:
    request = Request({"type": "http", "root_path": "/lake", "headers": []})
    page = Pages(1).render(request, "error.html.j2", {"page": "error", "title": "t", "said": "s"})
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "style-src 'self'", "frame-ancestors 'self'"} <= set(policy)
    assert not any("script" in directive or "unsafe" in directive for directive in policy)
    report = report_response(REPORT)
    assert report.body == REPORT
    assert report.headers["Content-Security-Policy"].endswith("; sandbox")
    assert report.headers["X-Content-Type-Options"] == "nosniff"


def test_the_styles_are_the_reports_own_and_more() -> None:
    styles = bytes(Pages(1).stylesheet().body).decode()
    assert "prefers-color-scheme: dark" in styles
    assert "nav.pages" in styles
    assert "url(" not in styles
    assert "{{" not in styles
    assert "&#" not in styles
