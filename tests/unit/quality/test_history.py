"""Results become rows of a table, and nothing of them is lost on the way."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pyarrow.parquet as pq
import pytest
from firelake import iceberg
from firelake.quality import history
from firelake.quality.result import GateResult, RuleResult, Severity
from hypothesis import given, settings
from hypothesis import strategies as st

SCALAR = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
RULE_RESULTS = st.builds(
    RuleResult,
    rule=st.text(min_size=1),
    type=st.text(),
    column=st.none() | st.text(),
    severity=st.sampled_from(Severity),
    description=st.text(),
    success=st.booleans(),
    errored=st.booleans(),
    rows_checked=st.none() | st.integers(0, 2**62),
    rows_bad=st.none() | st.integers(0, 2**62),
    observed=st.text() | st.floats(allow_nan=True).map(json.dumps),
    sample=st.lists(SCALAR, max_size=4).map(tuple),
    seconds=st.floats(0, 1e6),
)
TIMES = st.datetimes(
    datetime(2020, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))]),
)
GATE_RESULTS = st.builds(
    GateResult,
    table=st.text(),
    partition=st.text(),
    run_id=st.text(),
    suite=st.text(),
    evaluated_at=TIMES,
    rules=st.lists(RULE_RESULTS, max_size=4).map(tuple),
    seconds=st.floats(0, 1e6),
)


@settings(deadline=None)
@given(results=st.lists(GATE_RESULTS, max_size=3))
def test_results_survive_the_table(results: list[GateResult]) -> None:
    file = io.BytesIO()
    pq.write_table(history.history_rows(results), file)
    rows = pq.read_table(file).to_pylist()
    expected = [(result, rule) for result in results for rule in result.rules]
    assert len(rows) == len(expected)
    for row, (result, rule) in zip(rows, expected, strict=True):
        assert row["evaluated_at"].replace(tzinfo=UTC) == result.evaluated_at
        assert (row["table_name"], row["run_id"], row["rule"]) == (result.table, result.run_id, rule.rule)
        assert (row["success"], row["errored"], row["severity"]) == (
            rule.success,
            rule.errored,
            rule.severity,
        )
        assert (row["rows_checked"], row["rows_bad"]) == (rule.rows_checked, rule.rows_bad)
        assert json.loads(row["sample"]) == list(rule.sample)


def test_the_schema_fits_an_iceberg_table() -> None:
    schema = iceberg.schema_of(history.COLUMNS)
    assert schema.as_arrow().names == history.SCHEMA.names
    assert all(comment for _, _, comment in history.COLUMNS)
    assert history.SCHEMA.field(history.TIME_COLUMN).type == "timestamp[us]"


@pytest.mark.parametrize(
    ("observed", "rows_bad", "value"),
    [
        ("3 of 9 rows fail", 3, 3.0),
        ("0.25", None, 0.25),
        ("12", None, 12.0),
        ("true", None, None),
        ("null", None, None),
        ("NaN", None, None),
        ('{"quantiles": [0.5]}', None, None),
        ("the check failed", None, None),
    ],
)
def test_the_number_a_rule_is_about(observed: str, rows_bad: int | None, value: float | None) -> None:
    rule = RuleResult(
        rule="r",
        type="t",
        column=None,
        severity=Severity.INFO,
        description="",
        success=True,
        errored=False,
        rows_checked=9,
        rows_bad=rows_bad,
        observed=observed,
        sample=(),
        seconds=0,
    )
    assert history.observed_value(rule) == value
