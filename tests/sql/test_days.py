"""Days of simulated data: refreshing what a late record concerns is as good as rebuilding everything.

Each summary is computed for every day, once from all rows and once from all but some of one day, which come
late. The partitions that are not refreshed for these must be the same both times.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from firelake.layout import Lake
from firelake.periods import Grain, Period
from firelake.spec import find_dataset
from firelake.summary import Summary, load_summaries

from ingest.profiles import PROFILES
from tests.sql.simulated import DAYS, FIRST, night_visits, trusted_rows
from tests.sql.tables import Row, compute, hold

SUMMARIES = load_summaries()
RECORDS = 2500
KEYS = [f"{FIRST + timedelta(days=number):%Y-%m-%d}" for number in range(DAYS)]
DAY_MS = 86_400_000
LATE = KEYS[2]
LATE_EACH = 5
"""Every fifth row of that day is late."""

Partitions = dict[tuple[str, str], list[Row]]


@dataclass(frozen=True)
class Days:
    """The rows of each source, and every summary's partitions with and without the late ones."""

    sources: dict[str, list[Row]]
    before: Partitions
    after: Partitions

    def rows(self, summary: str) -> list[Row]:
        """Return a summary's rows of all days."""
        return [row for key in KEYS for row in self.after[summary, key]]

    def total(self, summary: str, column: str) -> float:
        """Return the sum of a summary's column over all days."""
        return math.fsum(row[column] for row in self.rows(summary))


@pytest.fixture(scope="module")
def days(lake: Lake) -> Days:
    sources = {name: trusted_rows(name, RECORDS) for name in PROFILES}
    sources["menu_clicks"] += night_visits()
    for name, rows in sources.items():
        hold(lake, name, _without_late(name, rows))
    all_partitions = [(summary, key) for summary in SUMMARIES for key in KEYS]
    before = _compute(lake, [one for one in all_partitions if not _is_refreshed(*one)])
    for name, rows in sources.items():
        hold(lake, name, rows)
    return Days(sources, before, _compute(lake, all_partitions))


@pytest.mark.parametrize("summary", SUMMARIES, ids=lambda summary: summary.table.name)
def test_what_is_not_refreshed_is_as_a_full_rebuild_would_make_it(days: Days, summary: Summary) -> None:
    kept = [key for key in KEYS if not _is_refreshed(summary, key)]
    assert kept
    for key in kept:
        assert days.before[summary.table.name, key] == days.after[summary.table.name, key]


@pytest.mark.parametrize(
    ("summary", "column"),
    [
        ("air_quality_daily_index", "readings"),
        ("charging_sessions", "readings"),
        ("iot_device_health_daily", "readings"),
        ("iot_device_health_hourly", "readings"),
        ("iot_fleet_overview", "readings"),
        ("menu_item_views", "views"),
        ("menu_item_weekly_change", "views"),
        ("menu_visits", "clicks"),
    ],
)
def test_every_trusted_row_is_in_one_partition_and_once(days: Days, summary: str, column: str) -> None:
    (source,) = next(each.table.sources for each in SUMMARIES if each.table.name == summary)
    assert days.total(summary, column) == len(days.sources[source])


def test_sessions_and_visits_pass_midnight(days: Days) -> None:
    """Otherwise the tests above would prove little."""
    for summary in ("charging_sessions", "menu_visits"):
        days_of = [(row["started_ms"] // DAY_MS, row["ended_ms"] // DAY_MS) for row in days.rows(summary)]
        assert any(first != last for first, last in days_of)


def test_energy_is_the_same_by_session_by_charger_and_by_quarter_of_an_hour(days: Days) -> None:
    by_session = days.total("charging_sessions", "energy_kwh")
    assert by_session > 10
    # Each row is rounded to a millionth.
    assert days.total("charger_utilisation", "energy_kwh") == pytest.approx(by_session, abs=1e-3)
    assert days.total("charging_load_curve", "energy_kwh") == pytest.approx(by_session, abs=1e-3)


def test_a_session_is_charging_idle_or_unknown(days: Days) -> None:
    for row in days.rows("charging_sessions"):
        parts = row["charging_s"] + row["idle_s"] + row["unknown_s"]
        assert parts == pytest.approx(row["duration_s"], abs=0.01)
    known = days.total("charging_sessions", "charging_s") + days.total("charging_sessions", "idle_s")
    assert days.total("charger_utilisation", "plugged_s") == pytest.approx(known, abs=0.5)


def test_the_funnel_counts_the_visits_and_each_stage_what_the_one_before_passed_on(days: Days) -> None:
    for key in KEYS:
        first, second, third = days.after["menu_funnel", key]
        assert first["visits"] == len(days.after["menu_visits", key])
        assert first["visits"] >= first["reached"] >= second["reached"] >= third["reached"] > 0
        assert (first["went_on"], second["went_on"]) == (second["reached"], third["reached"])


def _without_late(name: str, rows: list[Row]) -> list[Row]:
    time = find_dataset(name).event_time
    return [row for n, row in enumerate(rows) if n % LATE_EACH or f"{row[time]:%Y-%m-%d}" != LATE]


def _is_refreshed(summary: Summary, key: str) -> bool:
    changed = Period.parse(LATE, Grain.DAY)
    return key in {period.key for period in summary.table.partition.affected(changed)}


def _compute(lake: Lake, wanted: list[tuple[Summary, str]]) -> Partitions:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: compute(lake, *one), wanted))
    return {(summary.table.name, key): rows for (summary, key), rows in zip(wanted, found, strict=True)}
