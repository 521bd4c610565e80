"""Every supported expectation gives on DuckDB what it gives on Great Expectations' pandas engine."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from firelake.quality.finding import Finding
from firelake.quality.suite import Rule
from firelake.quality.supported import SUPPORTED
from firelake.spec.types import Primitive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.quality.engines import duckdb_findings, pandas_findings, rule

COLUMNS = {
    "n": Primitive("int"),
    "n2": Primitive("int"),
    "x": Primitive("double"),
    "x2": Primitive("double"),
    "s": Primitive("string"),
    "s2": Primitive("string"),
    "t": Primitive("timestamp"),
    "t2": Primitive("timestamp"),
    "b": Primitive("boolean"),
}
ARROW = {
    "int": pa.int32(),
    "double": pa.float64(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}
WORDS = ["", "a", "ab", "abc", "A1", "x9", "é", "日本", "🦆duck", "a\nb", " a", "'", '"', "%", "null", "nan"]
MIDNIGHT = datetime(2026, 11, 21)

COLUMN = "expect_column_"
ROWS = "expect_column_values_to_"
CASES: list[tuple[str, dict[str, Any]]] = [
    *[(f"{ROWS}not_be_null", {"column": name}) for name in COLUMNS],
    (f"{ROWS}not_be_null", {"column": "x", "mostly": 0.5}),
    *[(f"{ROWS}be_null", {"column": name}) for name in COLUMNS],
    *[(f"{ROWS}be_unique", {"column": name}) for name in COLUMNS],
    (f"{ROWS}be_in_set", {"column": "n", "value_set": [0, 1, 2]}),
    (f"{ROWS}be_in_set", {"column": "x", "value_set": [0.0, 0.5]}),
    (f"{ROWS}be_in_set", {"column": "s", "value_set": ["a", "日本", "'", '"', "%"], "mostly": 0.3}),
    (f"{ROWS}not_be_in_set", {"column": "n", "value_set": [3, 4]}),
    (f"{ROWS}not_be_in_set", {"column": "s", "value_set": ["é", ""]}),
    (f"{ROWS}be_between", {"column": "n", "min_value": 0, "max_value": 2}),
    (f"{ROWS}be_between", {"column": "n", "min_value": 0.5}),
    (f"{ROWS}be_between", {"column": "x", "min_value": 0, "strict_min": True, "mostly": 0.6}),
    (f"{ROWS}be_between", {"column": "x", "max_value": 0.5, "strict_max": True}),
    (f"{ROWS}be_between", {"column": "t", "min_value": "2026-11-21", "max_value": "2026-11-21T12:00:00"}),
    (f"{ROWS}be_between", {"column": "t", "max_value": "2026-11-22T00:00:00", "strict_max": True}),
    (f"{ROWS}match_regex", {"column": "s", "regex": "^[a-c]+$"}),
    (f"{ROWS}match_regex", {"column": "s", "regex": "[0-9]", "mostly": 0.2}),
    (f"{ROWS}not_match_regex", {"column": "s", "regex": "日|🦆"}),
    (f"{ROWS}match_regex_list", {"column": "s", "regex_list": ["^a", "b$"]}),
    (f"{ROWS}match_regex_list", {"column": "s", "regex_list": ["^a", "b$"], "match_on": "all"}),
    (f"{ROWS}not_match_regex_list", {"column": "s", "regex_list": ["^x", "é"]}),
    (f"{COLUMN}value_lengths_to_be_between", {"column": "s", "min_value": 1, "max_value": 3}),
    (f"{COLUMN}value_lengths_to_equal", {"column": "s", "value": 2}),
    *[
        (f"{COLUMN}pair_values_to_be_equal", {"column_A": name, "column_B": f"{name}2", "ignore_row_if": how})
        for name in ("n", "x", "s", "t")
        for how in ("both_values_are_missing", "either_value_is_missing", "neither")
    ],
    *[
        (
            f"{COLUMN}pair_values_a_to_be_greater_than_b",
            {"column_A": name, "column_B": f"{name}2", "or_equal": or_equal}
            | {"ignore_row_if": "either_value_is_missing"},
        )
        for name in ("n", "x", "t")
        for or_equal in (False, True)
    ],
    *[
        ("expect_compound_columns_to_be_unique", {"column_list": keys, "ignore_row_if": how})
        for keys in (["n", "s"], ["n", "x", "t", "b"])
        for how in ("all_values_are_missing", "any_value_is_missing", "never")
    ],
    (
        "expect_multicolumn_sum_to_equal",
        {"column_list": ["n", "n2"], "sum_total": 2, "ignore_row_if": "any_value_is_missing"},
    ),
    *[
        (
            f"{COLUMN}{figure}_to_be_between",
            {"column": name, "min_value": 0, "max_value": 2, "strict_min": strict},
        )
        for figure in ("min", "max", "mean", "median", "stdev", "sum")
        for name in ("n", "x")
        for strict in (False, True)
    ],
    *[
        (
            f"{COLUMN}{figure}_to_be_between",
            {"column": "t", "min_value": "2026-11-21", "max_value": "2026-11-22"},
        )
        for figure in ("min", "max")
    ],
    *[
        (
            f"{COLUMN}quantile_values_to_be_between",
            {
                "column": name,
                "quantile_ranges": {
                    "quantiles": [0, 0.5, 0.9],
                    "value_ranges": [[-9, 1], [None, 2], [0, None]],
                },
            },
        )
        for name in ("n", "x")
    ],
    *[
        (f"{COLUMN}unique_value_count_to_be_between", {"column": name, "min_value": 1, "max_value": 4})
        for name in COLUMNS
    ],
    *[
        (f"{COLUMN}proportion_of_unique_values_to_be_between", {"column": name, "min_value": 0.5})
        for name in COLUMNS
    ],
    *[
        (f"{COLUMN}proportion_of_non_null_values_to_be_between", {"column": name, "min_value": 0.5})
        for name in COLUMNS
    ],
    *[
        (f"{COLUMN}distinct_values_to_{relation}", {"column": name, "value_set": values})
        for relation in ("be_in_set", "contain_set", "equal_set")
        for name, values in (("n", [0, 1, 2, 3]), ("s", ["a", "日本"]), ("x", [0.0, 0.5]))
    ],
    *[
        (f"{COLUMN}most_common_value_to_be_in_set", {"column": name, "value_set": values})
        for name, values in (("n", [0, 1]), ("s", ["a", "日本"]))
    ],
    (f"{COLUMN}to_exist", {"column": "n"}),
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 6}),
    ("expect_table_row_count_to_equal", {"value": 3}),
    ("expect_table_column_count_to_be_between", {"min_value": 9, "max_value": 9}),
    ("expect_table_column_count_to_equal", {"value": 8}),
    ("expect_table_columns_to_match_set", {"column_set": [*COLUMNS]}),
    ("expect_table_columns_to_match_set", {"column_set": ["n", "x"], "exact_match": False}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": [*COLUMNS]}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": [*COLUMNS][::-1]}),
]
RULES = [rule(f"rule_{index}", *case) for index, case in enumerate(CASES)]

WORD = st.none() | st.sampled_from(WORDS)
NUMBER = st.none() | st.integers(-2, 4)
SHARE = st.none() | st.sampled_from([-1.5, 0.0, 0.25, 0.5, 1.0, 2.0, math.nan, 1e100])
TIME = st.none() | st.integers(-30, 30).map(lambda hours: MIDNIGHT + timedelta(hours=hours, microseconds=1))
ROW = st.fixed_dictionaries(
    {
        "n": NUMBER,
        "n2": NUMBER,
        "x": SHARE,
        "x2": SHARE,
        "s": WORD,
        "s2": WORD,
        "t": TIME,
        "t2": TIME,
        "b": st.none() | st.booleans(),
    }
)


# Every column goes round its values with a step of its own, so that all pairs of values meet.
CYCLES: list[tuple[str, int, list[Any]]] = [
    ("n", 1, [None, *range(-2, 5)]),
    ("n2", 3, [None, *range(-2, 5)]),
    ("x", 1, [None, -1.5, 0.0, 0.25, math.nan, 0.5, 1.0, 2.0, 0.5]),
    ("x2", 2, [None, -1.5, 0.0, 0.25, math.nan, 0.5, 1.0, 2.0, 0.5]),
    ("s", 1, [None, *WORDS]),
    ("s2", 5, [None, *WORDS]),
    ("t", 1, [None, *(MIDNIGHT + timedelta(hours=hours) for hours in range(-3, 24))]),
    ("t2", 3, [None, *(MIDNIGHT + timedelta(hours=hours) for hours in range(-3, 24))]),
    ("b", 1, [None, True, True, False]),
]


def is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def as_table(rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([(name, ARROW[str(kind)]) for name, kind in COLUMNS.items()])
    return pa.Table.from_pylist(rows, schema)


def quantile_ranks_differ_by_one(ours: Any, reference: Any, values: list[Any]) -> bool:
    """SQL's percentile_disc rounds ranks up, numpy's `nearest` to the closer one."""
    ordered = sorted(values)
    for mine, other in zip(ours["values"], reference["values"], strict=True):
        near = [i for i, value in enumerate(ordered) if value == mine]
        far = [i for i, value in enumerate(ordered) if value == other]
        if min(abs(i - j) for i in near for j in far) > 1:
            return False
    return True


def observed(finding: Finding) -> Any:
    value = finding.result.get("observed_value")
    return None if value == "NaT" else value


def agree(one: Rule, ours: Finding, reference: Finding, values: list[Any]) -> bool:
    if ours.error or reference.error:
        return False
    mine, other = observed(ours), observed(reference)
    if not values and one.type == "expect_column_sum_to_be_between":
        # The sum of nothing is 0 to pandas and null to SQL, which fails: the stricter of the two.
        return other == 0 and mine is None and not ours.success
    if one.type == "expect_column_quantile_values_to_be_between":
        return (
            (mine["values"] == other["values"] == [None] * 3)
            if not values
            else (quantile_ranks_differ_by_one(mine, other, values))
        )
    counts = ("element_count", "missing_count", "unexpected_count")
    if any((ours.result.get(key) or 0) != (reference.result.get(key) or 0) for key in counts):
        return False
    if isinstance(mine, float | int) and isinstance(other, float | int):
        return ours.success == reference.success and math.isclose(mine, other, rel_tol=1e-9, abs_tol=1e-9)
    return ours.success == reference.success and mine == other


def test_every_supported_expectation_is_compared() -> None:
    # Types are named differently by every engine; test_gate.py compares them with the spec's.
    assert {type_name for type_name, _ in CASES} == set(SUPPORTED) - {"expect_column_values_to_be_of_type"}


def assert_engines_agree(rows: list[dict[str, Any]], rules: list[Rule], folder: Path) -> None:
    batch = as_table(rows)
    ours = duckdb_findings(batch, rules, COLUMNS, folder / "batch.parquet")
    reference = pandas_findings(batch, rules, COLUMNS)
    assert ours.keys() == reference.keys() == {one.name for one in rules}
    for one in rules:
        column = batch.column(one.column).to_pylist() if one.column in COLUMNS else []
        values = [value for value in column if value is not None and not is_nan(value)]
        assert agree(one, ours[one.name], reference[one.name], values), (
            one,
            ours[one.name],
            reference[one.name],
        )


@pytest.mark.parametrize("count", [0, 1, 40])
def test_duckdb_agrees_with_pandas_on_every_case(count: int, tmp_path: Path) -> None:
    rows = [{name: values[i * step % len(values)] for name, step, values in CYCLES} for i in range(count)]
    assert_engines_agree(rows, RULES, tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(ROW, max_size=12),
    rules=st.lists(st.sampled_from(RULES), min_size=12, max_size=16, unique_by=lambda one: one.type),
)
def test_duckdb_agrees_with_pandas(rows: list[dict[str, Any]], rules: list[Rule], tmp_path: Path) -> None:
    assert_engines_agree(rows, rules, tmp_path)
