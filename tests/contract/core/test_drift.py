"""What arrives beside the spec, in a lake whose crawler has looked at it."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta

from firelake import aws
from firelake.drift.compare import Change
from firelake.drift.detect import detect
from firelake.periods import Grain, PeriodRange
from firelake.quality.checkpoint import judge_stage
from firelake.storage import read_object
from firelake.tables import DRIFT

from tests.contract.core.lake import DAY, TestLake, body_of, record


def crawl(lake: TestLake) -> None:
    glue, name = aws.client("glue"), lake.lake.raw_crawler(lake.dataset.name)
    glue.start_crawler(Name=name)
    until = time.monotonic() + 60
    while glue.get_crawler(Name=name)["Crawler"]["State"] != "READY":
        assert time.monotonic() < until
        time.sleep(0.2)


def test_drift_is_found_kept_and_remembers_when_it_began(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1), record(2)]))
    lake.put(DAY + timedelta(hours=5), body_of([record(3) | {"battery": 0.9}]))
    lake.put(DAY + timedelta(days=1), body_of([record(4) | {"battery": 0.8, "v": "high"}]))
    crawl(lake)
    first = detect(lake.lake, lake.dataset, PeriodRange.parse("2026-11-21", Grain.DAY))
    assert (first.objects, first.records) == (2, 3)
    (battery,) = first.drifts
    assert (battery.change, battery.field, battery.seen) == (Change.NEW, "battery", "double")
    assert (battery.share, battery.examples) == (1 / 3, ("0.9",))
    second = detect(lake.lake, lake.dataset, PeriodRange.parse("2026-11-22", Grain.DAY))
    assert {one.field: one.change for one in second.drifts} == {"battery": Change.NEW, "v": Change.RETYPED}
    seen = {one.field: one.first_seen for one in second.drifts}
    assert seen["battery"] == DAY + timedelta(hours=5)
    rows = DRIFT.load(lake.lake).scan().to_arrow().to_pylist()
    assert len([row for row in rows if row["dataset"] == lake.dataset.name]) == 3


def test_nothing_arrived_is_no_drift(lake: TestLake) -> None:
    found = detect(lake.lake, lake.dataset, PeriodRange.parse("2026-11-21", Grain.DAY))
    assert (found.records, found.drifts, found.patch) == (0, (), "")


def test_a_gates_report_tells_the_drift_of_what_its_run_read_and_keeps_none(lake: TestLake) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    lake.put(DAY + timedelta(hours=5), body_of([record(3) | {"battery": 0.9}]))
    stage = lake.stage("2026-11-21")
    verdict = judge_stage(lake.lake, lake.dataset, stage)
    page = read_object(verdict.report_uri).decode()
    assert "battery is new, double, in 50.0% of the sampled records" in page
    names = re.findall(r'href="([^"]+\.json)"', page)
    folder = verdict.report_uri.rpartition("/")[0]
    suites = [json.loads(read_object(f"{folder}/{name}")) for name in names]
    rules = [{one["expectation_config"]["meta"]["rule"] for one in suite["results"]} for suite in suites]
    assert ["spec.max_quarantine_rate" in found for found in rules] == [False, True]
    rows = DRIFT.load(lake.lake).scan().to_arrow().to_pylist()
    assert not [row for row in rows if row["dataset"] == lake.dataset.name]
