"""Figures are read strictly, and are those of the columns they name."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from firelake.spec.types import Primitive
from firelake.summary.figures import Equality, Figure
from firelake.summary.reconcile import agree
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = {"n": Primitive("int"), "s": Primitive("string")}
SHARED = {"description": "Equal.", "source": "a", "trusted": "count(*)"}


def figure(text: str) -> Figure:
    return Equality.model_validate({**SHARED, "summary": text}).summary


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("count(*)", 3),
        ("count(s)", 2),
        ("count(distinct s)", 1),
        ("sum(n)", 6),
        ("min(n)", 1),
        ("max(n)", 3),
    ],
)
def test_a_figure_is_what_it_says(text: str, value: int) -> None:
    batch = duckdb.sql("FROM (VALUES (1, 'a'), (2, 'a'), (3, NULL)) AS batch(n, s)")
    assert batch.aggregate(figure(text).sql).fetchall() == [(value,)]
    assert batch.filter("n > 3").aggregate(figure(text).sql).fetchall() == [(figure(text).of_nothing,)]


@pytest.mark.parametrize(
    "text",
    ["sum(*)", "avg(n)", "count(distinct *)", "sum(distinct n)", "sum(n) + 1", "max(n); DROP", "", "n"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write count"):
        figure(text)


def test_a_figure_of_no_column_or_of_another_type_says_so() -> None:
    assert figure("count(distinct s)").problem(COLUMNS) is None
    assert figure("sum(gone)").problem(COLUMNS) == "there is no column 'gone'"
    assert figure("max(s)").problem(COLUMNS) == "column 's' is string; max takes a number"


@given(st.floats(allow_nan=True), st.floats(0, 0.999))
def test_every_figure_agrees_with_itself_and_not_with_none(value: float, tolerance: float) -> None:
    one = Decimal(str(value))
    assert agree(one, one, tolerance)
    assert not agree(one, None, tolerance)
    assert agree(None, None, tolerance)


@given(st.integers(1, 10**9), st.integers(1, 10**6))
def test_without_tolerance_any_difference_counts(value: int, difference: int) -> None:
    assert not agree(Decimal(value), Decimal(value + difference), 0.0)
    assert agree(Decimal(value), Decimal(value + difference), 1 - 1e-12) is True
