"""A proposed suite can be read, holds on the data it came from, and says why."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from firelake.quality.gate import GateSubject, evaluate
from firelake.quality.suggest import profile, suggest_suite
from firelake.spec.types import ColumnType, ListOf, Primitive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COLUMNS: dict[str, ColumnType] = {
    "n": Primitive("int"),
    "x": Primitive("double"),
    "s": Primitive("string"),
    "t": Primitive("timestamp"),
    "b": Primitive("boolean"),
    "l": ListOf(Primitive("int")),
    "_raw_object": Primitive("string"),
}
SCHEMA = pa.schema(
    [
        ("n", pa.int32()),
        ("x", pa.float64()),
        ("s", pa.string()),
        ("t", pa.timestamp("us")),
        ("b", pa.bool_()),
        ("l", pa.list_(pa.int32())),
        ("_raw_object", pa.string()),
    ]
)
FLOATS = st.floats() | st.sampled_from([0.0, -0.0, 1e-300, 5e-324, 1e308, math.inf, math.nan])
ROW = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**31), 2**31 - 1),
        "x": st.none() | FLOATS,
        "s": st.none() | st.text(max_size=6),
        "t": st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
        "b": st.none() | st.booleans(),
        "l": st.none() | st.lists(st.integers(0, 9), max_size=2),
        "_raw_object": st.just("k"),
    }
)


def proposed(rows: list[dict[str, Any]], folder: Path, pii: frozenset[str] = frozenset()) -> dict[str, Any]:
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / "data.parquet")
    text = suggest_suite("t", profile([folder / "data.parquet"], COLUMNS, pii))
    (folder / "suite.json").write_text(text)
    document: dict[str, Any] = json.loads(text)
    return {entry["meta"]["rule"]: entry for entry in document["expectations"]}


def device_rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "n": i % 5,
            "x": None if i % 50 == 0 else i / count,
            "s": f"text-{i}",
            "t": datetime(2026, 11, 21),
            "b": i % 2 == 0,
            "l": [i],
            "_raw_object": "k",
        }
        for i in range(count)
    ]


def test_what_is_proposed_for_devices(tmp_path: Path) -> None:
    rules = proposed(device_rows(1000), tmp_path)
    assert rules["n.known"]["kwargs"]["value_set"] == [0, 1, 2, 3, 4]
    assert rules["x.present"]["kwargs"]["mostly"] == 0.96
    assert rules["x.range"]["kwargs"] == {"column": "x", "min_value": 0.0, "max_value": 1.1}
    assert rules["s.length"]["kwargs"] == {"column": "s", "min_value": 6, "max_value": 16}
    assert rules["x.present"]["description"] == "2 % of 1,000 rows had no x."
    assert not [name for name in rules if name.startswith("_raw")]


def test_values_of_personal_data_are_not_proposed(tmp_path: Path) -> None:
    rows = [row | {"s": "Ada"} for row in device_rows(1000)]
    assert "s.known" in proposed(rows, tmp_path)
    rules = proposed(rows, tmp_path, frozenset({"s"}))
    assert "s.known" not in rules
    assert "Ada" not in json.dumps(rules)


@pytest.mark.parametrize("count", [0, 1, 99])
def test_few_rows_prove_nothing(count: int, tmp_path: Path) -> None:
    assert set(proposed(device_rows(count), tmp_path)) == {"rows.any"}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=6), times=st.sampled_from([100, 130]))
def test_a_proposed_suite_holds_on_its_own_data(
    rows: list[dict[str, Any]], times: int, tmp_path: Path
) -> None:
    proposed(rows * times, tmp_path)
    files = (tmp_path / "data.parquet",)
    subject = GateSubject("t", "2026-11-21", "run-1", tmp_path / "suite.json", files, COLUMNS)
    failed = {one.rule: one.observed for one in evaluate(subject).failed}
    assert failed == {}
