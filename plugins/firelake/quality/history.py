"""Every rule's outcome as a row, so that quality can be queried, charted and compared over time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from firelake.quality.result import GateResult, RuleResult
from firelake.spec.types import Primitive

_STRING, _BIGINT, _DOUBLE = Primitive("string"), Primitive("bigint"), Primitive("double")
_BOOLEAN, _TIMESTAMP = Primitive("boolean"), Primitive("timestamp")

TABLE = "quality_results"
COMMENT = "What every rule of every gate found: one row for each rule, partition and run"
TIME_COLUMN = "evaluated_at"

COLUMNS: tuple[tuple[str, Primitive, str], ...] = (
    ("table_name", _STRING, "The table the batch was staged for"),
    ("partition_key", _STRING, "The partition it would replace"),
    ("run_id", _STRING, "The run that staged it"),
    ("suite", _STRING, "The suite it was held to"),
    ("rule", _STRING, "The rule's name; those derived from the spec begin with spec."),
    ("expectation", _STRING, "The kind of check"),
    ("column_name", _STRING, "The column or columns it is about; null if it is about the table"),
    ("severity", _STRING, "critical (blocks), warning or info"),
    ("success", _BOOLEAN, "Whether the batch held to the rule"),
    ("errored", _BOOLEAN, "Whether the check itself failed, which blocks whatever the severity"),
    ("observed", _STRING, "What was found, in words or as JSON"),
    (
        "observed_value",
        _DOUBLE,
        "What was found as a number: failing rows, or the figure; null if it is none",
    ),
    ("rows_checked", _BIGINT, "Rows the check looked at"),
    ("rows_bad", _BIGINT, "Rows that failed; null for rules that are not about rows"),
    ("sample", _STRING, "Some failing values, as a JSON array; personal data is masked"),
    ("seconds", _DOUBLE, "The rule's equal share of the time the checks took together"),
    (TIME_COLUMN, _TIMESTAMP, "When the batch was evaluated, UTC"),
)

_ARROW: dict[Primitive, pa.DataType] = {
    _STRING: pa.string(),
    _BIGINT: pa.int64(),
    _DOUBLE: pa.float64(),
    _BOOLEAN: pa.bool_(),
    _TIMESTAMP: pa.timestamp("us"),
}
SCHEMA = pa.schema([pa.field(name, _ARROW[kind]) for name, kind, _ in COLUMNS])


def history_rows(results: Iterable[GateResult]) -> pa.Table:
    """Return one row for each rule, to be appended to :data:`TABLE`."""
    rows = [_row(result, rule) for result in results for rule in result.rules]
    return pa.Table.from_pylist(rows, SCHEMA)


def observed_value(rule: RuleResult) -> float | None:
    """Return the number a rule is about: failing rows, or the figure it observed if that is one."""
    if rule.rows_bad is not None:
        return float(rule.rows_bad)
    try:
        value = json.loads(rule.observed)
    except json.JSONDecodeError:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _row(result: GateResult, rule: RuleResult) -> dict[str, Any]:
    return {
        "table_name": result.table,
        "partition_key": result.partition,
        "run_id": result.run_id,
        "suite": result.suite,
        "rule": rule.rule,
        "expectation": rule.type,
        "column_name": rule.column,
        "severity": str(rule.severity),
        "success": rule.success,
        "errored": rule.errored,
        "observed": rule.observed,
        "observed_value": observed_value(rule),
        "rows_checked": rule.rows_checked,
        "rows_bad": rule.rows_bad,
        "sample": json.dumps(rule.sample, ensure_ascii=False, default=str),
        "seconds": rule.seconds,
        TIME_COLUMN: _naive_utc(result.evaluated_at),
    }


def _naive_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
