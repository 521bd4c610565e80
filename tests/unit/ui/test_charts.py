"""Bars stay inside their picture, in proportion, and what failed can be seen."""

from datetime import UTC, date, datetime

import pytest
from firelake.insight.flows import Counts, PeriodFlow
from firelake.insight.gates import GateRun
from firelake_airflow.ui.charts import Bars, every_day, flow_bars, gate_bars
from hypothesis import given, settings
from hypothesis import strategies as st

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
COUNTS = st.builds(
    lambda trusted, duplicates, quarantined: Counts(
        records_in=trusted + duplicates + quarantined,
        trusted=trusted,
        duplicates=duplicates,
        quarantined=quarantined,
    ),
    *(st.integers(0, 10**9) for _ in range(3)),
)


def gate(held: int, remarks: int, blocking: int) -> GateRun:
    rules = held + remarks + blocking
    return GateRun(
        table="a", run_id="r", evaluated_at=NOON, partitions=(), rules=rules, held=held, blocking=blocking
    )


def inside(bars: Bars) -> None:
    for bar in bars.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= bars.width
        assert sum(part.height for part in bar.segments) <= bars.height + 0.1
        assert all(part.y >= 0 and part.height >= 0 for part in bar.segments)


@settings(max_examples=50, deadline=None)
@given(st.lists(COUNTS, min_size=1, max_size=80))
def test_where_records_went_is_drawn_inside_and_in_order(found: list[Counts]) -> None:
    periods = [PeriodFlow(period=f"{number:03d}", counts=counts) for number, counts in enumerate(found)]
    bars = flow_bars(periods)
    if not any(counts.records_in for counts in found):
        assert bars is None
        return
    assert bars is not None
    inside(bars)
    assert bars.highest == max(counts.records_in for counts in found)
    assert (bars.first, bars.last) == ("000", f"{len(found) - 1:03d}")
    assert [bar.x for bar in bars.bars] == sorted(bar.x for bar in bars.bars)
    for bar, counts in zip(bars.bars, found, strict=True):
        kinds = {part.kind for part in bar.segments}
        assert "quarantined" in kinds or not counts.quarantined


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*(st.integers(0, 500) for _ in range(3))).filter(any), min_size=1, max_size=80))
def test_a_single_failed_check_is_seen(found: list[tuple[int, int, int]]) -> None:
    bars = gate_bars([gate(*counts) for counts in found])
    assert bars is not None
    inside(bars)
    shown = list(reversed(found[:60]))
    for bar, (_, remarks, blocking) in zip(bars.bars, shown, strict=True):
        heights = {part.kind: part.height for part in bar.segments}
        assert heights.get("block", 0) >= (8 if blocking else 0)
        assert heights.get("warned", 0) >= (4 if remarks else 0)


@pytest.mark.parametrize(("first", "days"), [("2026-11-21", 30), ("2026-10-13", 41), ("2025-01-01", 60)])
def test_days_without_arrivals_are_days_too(first: str, days: int) -> None:
    known = [PeriodFlow(period=first, counts=Counts(records_in=1, trusted=1))]
    shown = every_day(known, date(2026, 11, 22), 60)
    assert len(shown) == days
    assert shown[-1] == PeriodFlow(period="2026-11-22", counts=Counts())
    assert (known[0] in shown) is (first > "2026")


def test_nothing_is_no_picture() -> None:
    assert gate_bars([]) is None
    assert flow_bars([]) is None
    assert flow_bars(every_day([], date(2026, 11, 22), 60)) is None
