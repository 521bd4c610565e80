from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from firelake.errors import FirelakeError
from firelake.layout import Lake
from firelake.periods import Grain, Period
from firelake.runs import new_run_id
from firelake.storage import read_object
from firelake.summary import Summary, load_summary
from firelake.summary.spec import SUMMARIES_DIR
from firelake.summary.unload import QueryOutcome, unload

from tests.contract.summary.readings import hold
from tests.unit.summary.health import Reading, device_health

DAY = Period.parse("2026-11-19", Grain.DAY)
MIDNIGHT = datetime(2026, 11, 19)
SUMMARY = load_summary(SUMMARIES_DIR / "iot_device_health_daily_v1")


def compute(lake: Lake) -> tuple[QueryOutcome, list[dict[str, Any]]]:
    """Return what Athena did and the rows it wrote, by device."""
    outcome = unload(lake, SUMMARY, DAY, new_run_id("test"))
    tables = [pq.read_table(io.BytesIO(read_object(file))) for file in outcome.files]
    for table in tables:
        assert table.column_names == [column.name for column in SUMMARY.table.columns]
    rows = [row for table in tables for row in table.to_pylist()]
    return outcome, sorted(rows, key=lambda row: row["device_id"])


def expected(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    return device_health(readings, MIDNIGHT, MIDNIGHT + timedelta(days=1))


def at(hours: float, device: int = 3, **values: Any) -> Reading:
    return Reading(device, MIDNIGHT + timedelta(hours=hours), **values)


def test_the_figures_of_a_day_worked_out_by_hand(lake: Lake) -> None:
    temperatures = [20, 21, 19, 20, 22, 18, 20, 21, 19, 60]
    hold(lake, [at(hour, temperature_c=one, cpu_load=0.1 * hour) for hour, one in enumerate(temperatures)])
    outcome, (row,) = compute(lake)
    assert outcome.bytes_scanned > 0
    assert (row["device_id"], row["event_day"], row["readings"]) == (3, MIDNIGHT.date(), 10)
    assert [row[f"temperature_{figure}_c"] for figure in ("min", "avg", "p95", "max")] == [18, 24.0, 60, 60]
    assert (row["temperature_median_c"], row["temperature_mad_c"], row["temperature_anomalies"]) == (20, 1, 1)
    assert [row[f"cpu_load_{figure}"] for figure in ("min", "avg", "p95", "max")] == pytest.approx(
        [0, 0.45, 0.9, 0.9]
    )
    assert row["longest_silence_s"] == 3600


@pytest.mark.parametrize(
    ("temperatures", "mad", "anomalies"),
    [
        ([20] * 10, 0, 0),
        ([20] * 9 + [21], 0, 1),
        ([20] * 3 + [21, 21, 22], 0.5, 0),
        ([None, None], None, 0),
        ([20], 0, 0),
    ],
)
def test_anomalies_where_the_spread_is_small_or_none(
    lake: Lake, temperatures: list[int | None], mad: float | None, anomalies: int
) -> None:
    hold(lake, [at(hour, temperature_c=one) for hour, one in enumerate(temperatures)])
    _, (row,) = compute(lake)
    assert (row["temperature_mad_c"], row["temperature_anomalies"]) == (mad, anomalies)


def test_only_readings_of_the_day_count_and_edges_are_no_silence(lake: Lake) -> None:
    readings = [at(-0.001), at(0), at(9.5), at(23.9999), at(24), at(12, device=4)]
    hold(lake, readings)
    _, rows = compute(lake)
    assert [(row["device_id"], row["readings"]) for row in rows] == [(3, 3), (4, 1)]
    assert rows[0]["longest_silence_s"] == pytest.approx(14.4999 * 3600, abs=0.01)
    assert rows[1]["longest_silence_s"] is None


@pytest.mark.parametrize("seed", range(4))
def test_any_day_is_as_computed_plainly_in_python(lake: Lake, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - must be repeatable
    loads = [None, 0.5, *(round(random.random(), 6) for _ in range(200))]
    readings = [
        Reading(
            random.randrange(5),
            MIDNIGHT
            + timedelta(seconds=random.randrange(-3600, 90000), microseconds=random.randrange(10**6)),
            random.choice([None, 95, *range(20, 20 + random.choice([1, 5, 40]))]),
            random.choice(loads),
            random.choice(loads),
            random.choice(loads),
        )
        for _ in range(600)
    ]
    hold(lake, readings)
    _, rows = compute(lake)
    assert compute(lake)[1] == rows
    for row, plain in zip(rows, expected(readings), strict=True):
        assert row.pop("longest_silence_s") == pytest.approx(plain.pop("longest_silence_s"), abs=1e-3)
        assert row == pytest.approx(plain, abs=1e-6)


def test_a_day_without_readings_has_no_rows(lake: Lake) -> None:
    hold(lake, [at(24)])
    assert compute(lake)[1] == []


def test_a_query_that_cannot_run_carries_athenas_reason(lake: Lake) -> None:
    broken = Summary(SUMMARY.table, SUMMARY.query.replace("cpu_load,", "cpu_laod,", 1))
    with pytest.raises(FirelakeError, match=r"FAILED: .*cpu_laod"):
        unload(lake, broken, DAY, new_run_id("test"))
