"""Known anomalies in synthetic days are found by Athena's query, and little else is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import pi, sin
from random import Random

import pyarrow.parquet as pq
import pytest
from firelake.layout import Lake
from firelake.periods import Grain, Period
from firelake.runs import new_run_id
from firelake.storage import read_object
from firelake.summary import load_summary
from firelake.summary.spec import SUMMARIES_DIR
from firelake.summary.unload import unload

from tests.contract.summary.readings import hold
from tests.unit.summary.health import Reading
from tests.unit.summary.windows import Window, score

DAY = Period.parse("2026-11-19", Grain.DAY)
MIDNIGHT = datetime(2026, 11, 19)
SUMMARY = load_summary(SUMMARIES_DIR / "iot_device_anomalies_v1")
MINUTES = 24 * 60


def detected(lake: Lake, readings: Sequence[Reading]) -> list[Window]:
    hold(lake, readings)
    outcome = unload(lake, SUMMARY, DAY, new_run_id("test"))
    found = [pq.read_table(io.BytesIO(read_object(file))).to_pylist() for file in outcome.files]
    return [
        Window(row["device_id"], row["kind"], row["started_ms"], row["ended_ms"])
        for rows in found
        for row in rows
    ]


def at_ms(minute: float) -> int:
    return round((MIDNIGHT - datetime(1970, 1, 1)).total_seconds() * 1000 + minute * 60_000)


def a_day(random: Random) -> tuple[list[Reading], list[Window]]:
    """Return readings of eleven devices with a daily wave and noise, and the anomalies put into them."""
    readings: list[Reading] = []
    labels: list[Window] = []
    for device in range(11):
        kind = random.choice(["stuck", "spike", "silence", "none"])
        start = random.uniform(60, MINUTES - 200)
        length = {"stuck": 40, "spike": 4, "silence": 120, "none": 0}[kind] * random.uniform(1, 1.5)
        window = Window(device, kind, at_ms(start), at_ms(start + length))
        labels += [window] if kind != "none" else []
        stuck_at = None
        minute = 0.0
        while (minute := minute + random.expovariate(1.0)) < MINUTES:
            celsius = round(20 + 4 * device + 6 * sin(2 * pi * minute / MINUTES) + random.gauss(0, 1.5))
            inside = start <= minute < start + length
            if inside and kind == "silence":
                continue
            if inside and kind == "spike":
                celsius += 45
            if inside and kind == "stuck":
                stuck_at = celsius if stuck_at is None else stuck_at
                celsius = stuck_at
            readings.append(Reading(device, MIDNIGHT + timedelta(minutes=minute), celsius))
    return readings, labels


def test_precision_and_recall_on_days_with_known_anomalies(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = []
    for seed in range(6):
        readings, labels = a_day(Random(seed))  # noqa: S311 - must be repeatable
        scores.append(score(labels, detected(lake, readings)))
    precision, recall, reward = (
        sum(getattr(one, name) for one in scores) / len(scores) for name in ("precision", "recall", "reward")
    )
    with capsys.disabled():
        print(f"\ndevice anomalies: precision {precision:.3f}, recall {recall:.3f}, NAB score {reward:.3f}")
    assert precision >= 0.95
    assert recall >= 0.95
    assert reward >= 0.9


def test_ordinary_days_have_no_anomalies(lake: Lake) -> None:
    random = Random(7)  # noqa: S311
    calm = [
        Reading(device, MIDNIGHT + timedelta(minutes=minute), 20 + random.randrange(5))
        for device in range(3)
        for minute in range(MINUTES)
    ]
    assert detected(lake, calm) == []


def test_a_device_that_is_stuck_all_day_and_one_that_reports_once(lake: Lake) -> None:
    stuck = [Reading(1, MIDNIGHT + timedelta(minutes=minute), 20) for minute in range(60)]
    assert detected(lake, [*stuck, Reading(2, MIDNIGHT, 20)]) == [Window(1, "stuck", at_ms(0), at_ms(59))]
