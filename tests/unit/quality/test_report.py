"""The report says what happened, shows nothing it should not, and runs nothing that it shows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from firelake.drift.compare import Change, Drift
from firelake.drift.detect import Detected
from firelake.outcome import Accounting
from firelake.quality import report_view
from firelake.quality.finding import MASK
from firelake.quality.report import QuarantinedRecord, ReportInput, TrendPoint, render_report, report_json
from firelake.quality.result import GateResult, RuleResult, Severity
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)
VOID = {"meta"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "article", "footer"),
    *("div", "p", "h1", "h2", "h3", "span", "strong", "i", "code", "pre", "details", "summary"),
    *("svg", "rect", "circle", "path", "polyline", "table", "thead", "tbody", "tr", "th", "td"),
    *("dl", "dt", "dd", "a"),
}


class Page(HTMLParser):
    """The elements, attributes and text of a page; fails on unbalanced tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def rule(name: str = "a.rule", **changes: Any) -> RuleResult:
    return RuleResult.model_validate(
        {
            "rule": name,
            "type": "expect_column_values_to_be_between",
            "column": "a",
            "severity": Severity.CRITICAL,
            "description": "What it means.",
            "success": True,
            "errored": False,
            "rows_checked": 1000,
            "rows_bad": 0,
            "observed": "0 of 1,000 rows fail",
            "sample": (),
            "seconds": 0.01,
        }
        | changes
    )


def broken(name: str = "a.rule", **changes: Any) -> RuleResult:
    failing = {"success": False, "rows_bad": 37, "observed": "37 of 1,000 rows fail", "sample": (101, 102)}
    return rule(name, **(failing | changes))


def result(*rules: RuleResult, partition: str = "2026-11-21") -> GateResult:
    return GateResult(
        table="t", partition=partition, run_id="run-1", suite="t", evaluated_at=NOW, rules=rules, seconds=1.5
    )


def report(*results: GateResult, **changes: Any) -> ReportInput:
    base = ReportInput("t", "What a row is.", "owners", "2026-11-21", "run-1", results)
    return replace(base, **changes)


ACCOUNTING = Accounting(
    raw_objects=3,
    records_in=1110,
    trusted_new=1000,
    duplicates=60,
    quarantined={"wrong_type": 40, "not_json": 10},
    displaced=2,
    bytes_raw=5000,
    bytes_json=90000,
)


def test_the_verdict_comes_first_and_in_words() -> None:
    text = Page(render_report(report(result(rule())))).text
    assert text.index("Passed") < text.index("All rules")
    assert "All 1 checks held" in text
    blocked = Page(render_report(report(result(broken(), rule("b")))))
    assert "Blocked: nothing was published" in blocked.text
    assert "1 rule failed that must hold" in blocked.text
    remarks = Page(render_report(report(result(broken(severity=Severity.WARNING)))))
    assert "Passed, with remarks" in remarks.text


@pytest.mark.parametrize("results", [(), (result(),)])
def test_no_rules_is_no_pass(results: tuple[GateResult, ...]) -> None:
    assert "No rule was evaluated" in Page(render_report(report(*results))).text


def test_what_failed_is_told_with_rows_and_examples() -> None:
    text = Page(render_report(report(result(rule("fine"), broken())))).text
    assert re.search(r"37 of 1 000 rows, 3\.7 %", text)
    assert "101" in text
    assert "102" in text


def test_blocking_failures_come_before_others() -> None:
    rules = [
        broken("info", severity=Severity.INFO, rows_bad=999),
        broken("few", rows_bad=1),
        broken("many", rows_bad=500),
        broken("errored", severity=Severity.INFO, errored=True, rows_bad=None, sample=()),
    ]
    html = render_report(report(result(*rules)))
    assert re.findall("<h3>(.*?)</h3>", html) == ["many", "few", "errored", "info"]
    assert "check failed" in html


def test_where_the_records_went_adds_up() -> None:
    text = Page(render_report(report(result(rule()), accounting=ACCOUNTING))).text
    assert "1 110 in = 1 000 trusted + 60 duplicates + 50 quarantined." in text
    assert "Every record is accounted for." in text
    lost = ACCOUNTING.model_copy(update={"duplicates": 59})
    text = Page(render_report(report(result(rule()), accounting=lost))).text
    assert "Every record is accounted for." not in text
    assert "Records are missing." in text


def test_what_was_not_published_is_held_back() -> None:
    text = Page(render_report(report(result(broken()), accounting=ACCOUNTING))).text
    assert "1 000 held back" in text
    assert "1 000 trusted" not in text


def test_hostile_text_stays_text() -> None:
    attack = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\x00"
    record = QuarantinedRecord(attack, attack, attack, attack, 7)
    hostile = broken(
        attack, description=attack, sample=(attack, {"a": attack}), column=attack, observed=attack
    )
    html = render_report(
        replace(
            report(
                result(hostile, broken(attack + "2", rows_bad=None, observed=attack), partition=attack),
                quarantined=(record,),
                accounting=ACCOUNTING.model_copy(update={"quarantined": {attack: 50}}),
            ),
            table=attack,
            description=attack,
            owner=attack,
            period=attack,
            run_id=attack,
        )
    )
    page = Page(html)
    assert set(page.tags) <= ALLOWED
    assert not {name for name in page.attributes if name.startswith("on")}
    assert not [link for link in page.links if re.match(r"[a-z]*:|//", link)]
    assert "49" not in page.text.replace("{{ 7*7 }}", "")
    assert "alert(1)" in page.text
    assert "Content-Security-Policy" in html


@settings(deadline=None)
@given(text=st.text())
def test_any_record_text_leaves_the_page_whole(text: str) -> None:
    record = QuarantinedRecord("not_json", text, text, text, 0)
    page = Page(render_report(report(result(broken(sample=(text,))), quarantined=(record,))))
    assert set(page.tags) <= ALLOWED


@settings(deadline=None)
@given(text=st.text())
def test_no_hidden_character_is_shown_as_itself(text: str) -> None:
    shown = report_view.visible(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)


def test_the_page_needs_nothing_else() -> None:
    html = render_report(report(result(broken()), accounting=ACCOUNTING))
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link|<script|src=", html)


def test_raw_text_of_personal_data_is_withheld() -> None:
    record = QuarantinedRecord("wrong_type", "name: 'Ada' is no int", '{"name": "Ada"}', "k.gz", 0)
    masked = broken(sample=(MASK, MASK))
    html = render_report(report(result(masked), quarantined=(record,), pii=frozenset({"name"})))
    assert "Ada" not in html
    assert "personal data (name)" in html
    assert "Ada" in render_report(report(result(masked), quarantined=(record,)))


def drift(**changes: Any) -> Drift:
    declared = {
        "change": Change.NEW,
        "field": "fw",
        "column": None,
        "declared": None,
        "seen": "string",
        "first_seen": NOW,
        "share": 0.038,
        "examples": ("2.1",),
    }
    return Drift.model_validate(declared | changes)


def detected(*drifts: Drift, patch: str = "# fw is new\n") -> Detected:
    return Detected(dataset="t", arrival="2026-11-21", objects=6, records=1200, drifts=drifts, patch=patch)


def test_drift_is_told_with_share_first_sight_examples_and_proposal() -> None:
    hostile = drift(
        field="<b>x</b>\u202e", change=Change.RETYPED, column="x", declared="int", first_seen=None
    )
    page = Page(render_report(report(result(rule()), drift=detected(drift(), hostile))))
    for said in ("1 200 records in 6 objects", "3.8 %", "2026-11-22 00:15:00 UTC", "2.1", "# fw is new"):
        assert said in page.text
    assert "<b>x</b>\\u202e" in page.text
    assert "b" not in page.tags


def test_no_drift_says_how_much_was_looked_at() -> None:
    text = Page(render_report(report(result(rule()), drift=detected(patch="")))).text
    assert "None: 1 200 records in 6 objects" in text
    assert "Drift" not in Page(render_report(report(result(rule())))).text


def test_links_lead_to_the_index_and_to_each_json_beside_the_report() -> None:
    whole = result(rule("spec.max_quarantine_rate")).model_copy(update={"of_run": True})
    page = Page(render_report(report(result(rule()), whole, accounting=ACCOUNTING)))
    assert page.links == ["../index.html", "run-1.2026-11-21.json", "run-1.run.json"]
    assert "firelake quarantine show t --run run-1" in page.text
    assert "The whole run" in page.text


def test_a_trend_is_drawn_inside_its_frame() -> None:
    points = tuple(TrendPoint(NOW + timedelta(days=day), float(day % 5), True) for day in range(40))
    html = render_report(report(result(rule()), trends={"a.rule": points}))
    assert "last 30 runs: 0 to 4, now 4" in html


@settings(deadline=None)
@given(values=st.lists(st.floats(-1e9, 1e9), max_size=50))
def test_every_sparkline_stays_in_its_box(values: list[float]) -> None:
    spark = report_view.sparkline([TrendPoint(NOW, value, True) for value in values])
    if len(values) < 2:
        assert spark is None
        return
    assert spark is not None
    places = [tuple(float(part) for part in point.split(",")) for point in spark.points.split()]
    assert all(0 <= x <= 96 and 0 <= y <= 24 for x, y in places)
    assert places == sorted(places, key=lambda place: place[0])


@settings(deadline=None)
@given(
    trusted=st.integers(0, 10**9),
    duplicates=st.integers(0, 10**9),
    quarantined=st.dictionaries(st.text(min_size=1), st.integers(1, 10**9), max_size=5),
)
def test_portions_fill_the_bar(trusted: int, duplicates: int, quarantined: dict[str, int]) -> None:
    accounting = ACCOUNTING.model_copy(
        update={
            "records_in": trusted + duplicates + sum(quarantined.values()),
            "trusted_new": trusted,
            "duplicates": duplicates,
            "quarantined": quarantined,
        }
    )
    flow = report_view.flow(accounting, published=True)
    assert sum(portion.records for portion in flow.portions) == accounting.records_in
    assert sum(portion.share for portion in flow.portions) == pytest.approx(
        100 if accounting.records_in else 0
    )
    assert sum(reason.records for reason in flow.reasons) == accounting.records_quarantined


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50 %"),
        (0.00001, "< 0.01 %"),
        (0.99999, "> 99.99 %"),
        (0.0123, "1.23 %"),
    ],
)
def test_a_share_is_not_rounded_to_nothing_or_all(fraction: float, text: str) -> None:
    assert report_view.share(fraction) == text


def test_great_expectations_reads_our_json() -> None:
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema

    document = json.loads(report_json(result(rule(), broken("b", severity=Severity.WARNING))))
    loaded = ExpectationSuiteValidationResultSchema().load(document)
    assert [one.success for one in loaded.results] == [True, False]
    assert loaded.results[1].result["unexpected_count"] == 37
    assert loaded.statistics["successful_expectations"] == 1
