"""A batch unlike those before it is noticed, and one outlier in the past does not hide it."""

from __future__ import annotations

import math

import pytest
from firelake.quality.result import GateResult, Severity
from firelake.quality.trailing import MIN_HISTORY, robust_z_score, row_count_rule, with_rules
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.quality.test_report import result, rule

USUAL = [10_000, 10_200, 9_900, 10_050, 10_100, 9_950, 10_020]


@pytest.mark.parametrize(
    ("rows", "success"), [(10_010, True), (10_250, True), (5_000, False), (20_000, False)]
)
def test_an_unusual_number_of_rows_is_noticed(rows: int, success: bool) -> None:
    assert row_count_rule(rows, USUAL).success is success


def test_past_outliers_do_not_hide_new_ones() -> None:
    assert not row_count_rule(5_000, [*USUAL, 0, 90_000]).success


def test_little_history_is_no_failure_but_said() -> None:
    judged = row_count_rule(1, USUAL[: MIN_HISTORY - 1])
    assert judged.success
    assert "6 of 7 earlier counts" in judged.observed


@pytest.mark.parametrize(
    ("value", "history", "score"),
    [
        (5, [5] * 9, 0.0),
        (6, [5] * 9, math.inf),
        (4, [5] * 9, -math.inf),
        (3, [1, 2, 3, 4, 5], 0.0),
        (5, [1, 2, 3, 4, 5], 2 * 0.6745),
    ],
)
def test_scores(value: float, history: list[float], score: float) -> None:
    assert robust_z_score(value, history) == pytest.approx(score)


@settings(deadline=None)
@given(
    value=st.integers(-1000, 1000),
    history=st.lists(st.integers(-1000, 1000), min_size=1, max_size=20),
    shift=st.integers(-500, 500),
    scale=st.integers(1, 9),
)
def test_scores_do_not_depend_on_unit_or_origin(
    value: int, history: list[int], shift: int, scale: int
) -> None:
    moved = [one * scale + shift for one in history]
    assert robust_z_score(value * scale + shift, moved) == pytest.approx(robust_z_score(value, history))


def test_added_rules_count_in_the_verdict() -> None:
    passed: GateResult = result(rule())
    assert with_rules(passed, [row_count_rule(0, USUAL)]).passed
    assert not with_rules(passed, [row_count_rule(0, USUAL, Severity.CRITICAL)]).passed
