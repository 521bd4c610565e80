"""A suite file is read whole or refused, with the line of what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from firelake import tables
from firelake.errors import SpecError
from firelake.quality.derived import derived_rules, derived_summary_rules, summary_columns, trusted_columns
from firelake.quality.json_lines import JsonLines
from firelake.quality.result import Severity
from firelake.quality.suite import RESERVED_PREFIX, load_suite
from firelake.spec import find_dataset, load_datasets
from firelake.spec.load import PROJECT_ROOT
from firelake.spec.types import Primitive
from firelake.summary.spec import load_summaries
from hypothesis import given, settings
from hypothesis import strategies as st

COLUMNS = {"n": Primitive("int"), "s": Primitive("string"), "t": Primitive("timestamp")}


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "n", "min_value": 0},
        "severity": "critical",
        "description": "Not negative.",
        "meta": {"rule": "n.sign"},
    } | changes


def write(path: Path, *entries: dict[str, Any], **changes: Any) -> Path:
    path.write_text(json.dumps({"name": "suite", "expectations": list(entries)} | changes, indent=1))
    return path


def refusal(path: Path) -> SpecError:
    with pytest.raises(SpecError) as caught:
        load_suite(path, COLUMNS)
    return caught.value


def test_a_good_suite_is_read_whole(tmp_path: Path) -> None:
    quarantine = {"rule": "n.small", "on_failure": "quarantine"}
    path = write(tmp_path / "s.json", entry(), entry(severity="info", meta=quarantine))
    first, second = load_suite(path, COLUMNS).rules
    assert (first.name, first.severity, first.on_failure, first.column) == (
        "n.sign",
        Severity.CRITICAL,
        "report",
        "n",
    )
    assert (second.severity, second.on_failure) == (Severity.INFO, "quarantine")


@pytest.mark.parametrize(
    ("changes", "problem", "key"),
    [
        (
            {"type": "expect_column_values_to_be_betwen"},
            "did you mean 'expect_column_values_to_be_be",
            "type",
        ),
        ({"type": "expect_column_kl_divergence_to_be_less_than"}, "not supported", "type"),
        ({"severity": "fatal"}, "'critical', 'warning' or 'info'", "severity"),
        ({"severity": None}, "'critical', 'warning' or 'info'", "severity"),
        ({"description": ""}, "at least 1 character", "description"),
        ({"serverity": "info"}, "unknown key", "serverity"),
        ({"meta": {}}, "meta.rule: is missing", "meta"),
        ({"meta": {"rule": "Not A Name"}}, "should match pattern", "rule"),
        ({"meta": {"rule": "spec.mine"}}, "derived from the spec", "rule"),
        ({"meta": {"rule": "r", "onfailure": "report"}}, "unknown key", "onfailure"),
        ({"meta": {"rule": "r", "on_failure": "drop"}}, "'report' or 'quarantine'", "on_failure"),
        ({"kwargs": {"column": "n"}}, "give min_value, max_value or both", "kwargs"),
        (
            {"kwargs": {"column": "nn", "min_value": 0}},
            "there is no column 'nn'; did you mean 'n'?",
            "kwargs",
        ),
        ({"kwargs": {"min_value": 0}}, "kwargs.column: is missing", "kwargs"),
        ({"kwargs": {"column": "n", "min": 0}}, "kwargs.min: unknown key", "min"),
        ({"kwargs": {"column": "n", "min_value": 3, "max_value": 2}}, "above max_value", "kwargs"),
        ({"kwargs": {"column": "n", "min_value": "zero"}}, "bounds are numbers, or times", "min_value"),
        ({"kwargs": {"column": "n", "min_value": "2026-11-21"}}, "does not fit a column", "kwargs"),
        ({"kwargs": {"column": "t", "min_value": 3}}, "does not fit a column", "kwargs"),
        ({"kwargs": {"column": "t", "min_value": "2026-11-21T00:00:00+01:00"}}, "without one", "min_value"),
        ({"kwargs": {"column": "n", "min_value": 0, "mostly": 0}}, "greater than 0", "mostly"),
        ({"kwargs": {"column": "s", "min_value": 0}}, "takes number or time", "kwargs"),
        (
            {"kwargs": {"column": "n", "min_value": 0, "row_condition": "n > 1"}},
            "unknown key",
            "row_condition",
        ),
        (
            {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "s", "regex": "("}},
            "no regular expression",
            "regex",
        ),
        (
            {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "n", "value_set": []}},
            "at least 1 item",
            "value_set",
        ),
        (
            {
                "type": "expect_column_mean_to_be_between",
                "meta": {"rule": "r", "on_failure": "quarantine"},
            },
            "can only report",
            "on_failure",
        ),
        (
            {
                "type": "expect_column_values_to_be_unique",
                "kwargs": {"column": "n"},
                "meta": {"rule": "r", "on_failure": "quarantine"},
            },
            "does not judge rows one by one",
            "on_failure",
        ),
        (
            {
                "kwargs": {"column": "n", "min_value": {"$PARAMETER": "limit"}},
                "meta": {"rule": "r", "on_failure": "quarantine"},
            },
            "before the gate knows limit",
            "on_failure",
        ),
        (
            {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "n", "value_set": [1, "2"]}},
            "value '2' does not fit a column of type number",
            "value_set",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    changes: dict[str, Any], problem: str, key: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "s.json", entry(meta={"rule": "first"}), entry(**changes))
    error = refusal(path)
    assert problem in error.problem
    lines = path.read_text().splitlines()
    second_entry = [number for number, line in enumerate(lines, 1) if '"type"' in line][1]
    near = lines[max(0, error.line - 4) : error.line]
    assert any(f'"{key}"' in line for line in near) or error.line == second_entry - 1
    assert error.line >= second_entry - 1
    assert str(error).startswith(f"{path}:{error.line}: ")


def test_rule_names_are_unique(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "s.json", entry(), entry(severity="info")))
    assert "'n.sign' names an earlier rule too" in error.problem
    assert error.line > 15


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("", "no valid JSON", 1),
        ("{}", "is missing", 1),
        ('{"name": "s",\n "expectations": []}', "at least 1 item", 2),
        ('{"name": "s",\n\n "expectation": []}', "unknown key", 3),
        ('{"name": "s",\n "name": "t",\n "expectations": []}', "name: given twice", 2),
        ('{"name": "s",\n "expectations": [}', "no valid JSON", 2),
        ("[]", "should be an object", 1),
    ],
)
def test_a_file_that_is_no_suite(text: str, problem: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    error = refusal(path)
    assert problem in str(error)
    assert error.line == line


def test_a_missing_or_binary_file(tmp_path: Path) -> None:
    assert "cannot be read" in str(refusal(tmp_path / "none.json"))
    (tmp_path / "b.json").write_bytes(b"\xff\xfe{}")
    assert "cannot be read" in str(refusal(tmp_path / "b.json"))


def test_the_suites_of_all_datasets_are_good() -> None:
    for dataset in load_datasets():
        suite = load_suite(PROJECT_ROOT / dataset.quality.suite, trusted_columns(dataset))
        assert len(suite.rules) >= 12
        assert {rule.severity for rule in suite.rules} == set(Severity)


def test_the_checks_of_all_summaries_are_good() -> None:
    for summary in load_summaries():
        suite = load_suite(PROJECT_ROOT / summary.table.checks, summary_columns(summary.table))
        names = {rule.name for rule in suite.extended(derived_summary_rules(summary.table)).rules}
        assert {"spec.columns", "spec.grain", f"spec.partition.{summary.table.partition.column}"} < names


def test_columns_are_those_of_the_table() -> None:
    for dataset in load_datasets():
        assert trusted_columns(dataset) == {name: kind for name, kind, _ in tables.trusted(dataset).columns}


def test_derived_rules_are_critical_and_named_apart() -> None:
    rules = derived_rules(find_dataset("iot_device_telemetry"))
    names = [rule.name for rule in rules]
    assert len(set(names)) == len(names)
    assert all(name.startswith(RESERVED_PREFIX) for name in names)
    assert {"spec.columns", "spec.required.device_id", "spec.identity", "spec.partition.measured_at"} <= set(
        names
    )
    assert {rule.severity for rule in rules} == {Severity.CRITICAL}


def test_reading_a_suite_does_not_import_great_expectations() -> None:
    code = (
        "import sys; import firelake.quality.gate, firelake.quality.derived; "
        "sys.exit('great_expectations' in sys.modules or 'duckdb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "plugins"}).returncode == 0  # noqa: S603


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(value=JSON, indent=st.sampled_from([None, 0, 1, "\t"]), ascii_only=st.booleans())
def test_every_value_of_a_json_text_has_its_line(
    value: Any, indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    lines = JsonLines(text)
    assert lines.duplicates == []

    def check(inner: Any, location: tuple[int | str, ...]) -> None:
        assert lines.nearest(location) == location
        children = (
            inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        )
        for key, child in children:
            here = text.split("\n")[lines.line_of((*location, key)) - 1]
            assert not isinstance(key, str) or json.dumps(key, ensure_ascii=ascii_only) in here
            check(child, (*location, key))

    check(value, ())
