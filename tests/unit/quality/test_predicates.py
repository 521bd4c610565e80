"""Predicates move to quarantine exactly the rows that the gate would count as failing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from firelake.quality.binding import Binder
from firelake.quality.predicates import QUARANTINABLE, RowPredicate, refusal_sql, row_predicate
from firelake.quality.suite import Rule
from firelake.quality.supported import SUPPORTED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.quality.engines import duckdb_findings, rule
from tests.unit.quality.test_differential import COLUMNS, CYCLES, ROW, RULES, as_table

NEARLY_ALL = [one for one in RULES if one.type in QUARANTINABLE]


def predicates_of(rules: list[Rule]) -> list[RowPredicate]:
    binder = Binder(Path("suite"), COLUMNS, {})
    return [row_predicate(one.name, one.type, binder.kwargs(one), COLUMNS) for one in rules]


def counts(batch: pa.Table, predicates: list[RowPredicate]) -> dict[str, int]:
    with duckdb.connect() as connection:
        connection.register("batch", batch)
        connection.execute("CREATE TABLE rows AS FROM batch")
        rows = connection.table("rows")
        return {one.rule: len(rows.filter(one.sql).fetchall()) for one in predicates}


def assert_counts_agree(rows: list[dict[str, Any]], rules: list[Rule], folder: Path) -> None:
    batch = as_table(rows)
    findings = duckdb_findings(batch, rules, COLUMNS, folder / "batch.parquet")
    expected = {name: finding.result["unexpected_count"] or 0 for name, finding in findings.items()}
    assert counts(batch, predicates_of(rules)) == expected


def test_only_rules_about_single_rows_are_compiled() -> None:
    assert {name for name in QUARANTINABLE if not SUPPORTED[name].per_row} == set()
    assert {one.type for one in RULES} >= QUARANTINABLE


@pytest.mark.parametrize("count", [0, 1, 40])
def test_every_predicate_counts_what_the_gate_counts(count: int, tmp_path: Path) -> None:
    rows = [{name: values[i * step % len(values)] for name, step, values in CYCLES} for i in range(count)]
    assert_counts_agree(rows, NEARLY_ALL, tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(ROW, max_size=12),
    rules=st.lists(st.sampled_from(NEARLY_ALL), min_size=6, max_size=9, unique_by=lambda one: one.name),
)
def test_predicates_count_what_the_gate_counts(
    rows: list[dict[str, Any]], rules: list[Rule], tmp_path: Path
) -> None:
    assert_counts_agree(rows, rules, tmp_path)


@settings(deadline=None, max_examples=30)
@given(
    values=st.lists(st.text(max_size=5), min_size=1, max_size=5),
    rows=st.lists(st.text(max_size=5), max_size=6),
)
def test_no_value_of_a_suite_becomes_sql(values: list[str], rows: list[str]) -> None:
    one = rule("r", "expect_column_values_to_be_in_set", {"column": "s", "value_set": values})
    batch = as_table([dict.fromkeys(COLUMNS) | {"s": text} for text in rows])
    assert counts(batch, predicates_of([one])) == {"r": sum(text not in values for text in rows)}


def test_a_row_is_refused_by_the_first_rule_it_fails() -> None:
    rules = [
        rule("n'low", "expect_column_values_to_be_between", {"column": "n", "min_value": 0}),
        rule("n.even", "expect_column_values_to_be_in_set", {"column": "n", "value_set": [0, 2]}),
    ]
    batch = as_table([dict.fromkeys(COLUMNS) | {"n": n} for n in (None, -1, 0, 1)])
    with duckdb.connect() as connection:
        connection.register("batch", batch)
        refused = connection.table("batch").project(refusal_sql(predicates_of(rules))).fetchall()
        assert [name for (name,) in refused] == [None, "n'low", None, "n.even"]
        assert connection.table("batch").project(refusal_sql([])).fetchall() == [(None,)] * 4
