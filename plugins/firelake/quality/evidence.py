"""What a report shows beside its results: examples of refused records, and how rules did before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual

from firelake import iceberg
from firelake.compact.rules import FAILED_RULE
from firelake.layout import Lake
from firelake.outcome import Stage
from firelake.quality.history import TIME_COLUMN
from firelake.quality.report import QuarantinedRecord, TrendPoint
from firelake.sql import literal, literals
from firelake.storage import download_all
from firelake.tables import QUALITY_RESULTS

_EXAMPLES = 20
# Of those that failed rules, some of each rule.
_BY_RULE = f"CASE WHEN reason = {literal(FAILED_RULE)} THEN detail END"
_TREND_SPAN = timedelta(days=30)
_TREND_POINTS = 60


def refused_examples(stage: Stage, directory: Path) -> tuple[QuarantinedRecord, ...]:
    """Return some of the records that a run refused, of every reason.

    Parameters
    ----------
    directory
        Where the staged files may be put.
    """
    if not stage.quarantine.files:
        return ()
    directory.mkdir(parents=True, exist_ok=True)
    paths = download_all({file.uri: file.bytes_parquet for file in stage.quarantine.files}, directory)
    files = literals(str(path) for path in paths.values())
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""
            SELECT reason, coalesce(detail, ''), raw_text, _raw_object, byte_offset
            FROM read_parquet([{files}]) WHERE run_id = ?
            QUALIFY row_number() OVER (
                PARTITION BY reason, {_BY_RULE} ORDER BY _raw_object, _raw_position) <= 5
            ORDER BY reason, _raw_object, byte_offset LIMIT {_EXAMPLES}
            """,  # noqa: S608 (paths are quoted)
            [stage.run_id],
        ).fetchall()
    return tuple(QuarantinedRecord(*row) for row in rows)


def trends(lake: Lake, table: str) -> dict[str, tuple[TrendPoint, ...]]:
    """Return what earlier runs observed of each rule of a table, oldest first."""
    since = (datetime.now(UTC) - _TREND_SPAN).replace(tzinfo=None).isoformat()
    scan = QUALITY_RESULTS.load(lake).scan(
        row_filter=And(
            EqualTo(term="table_name", value=table), GreaterThanOrEqual(term=TIME_COLUMN, value=since)
        ),
        selected_fields=("rule", "observed_value", "success", TIME_COLUMN),
    )
    points: dict[str, list[TrendPoint]] = {}
    for row in sorted(iceberg.rows(scan).to_pylist(), key=lambda row: row[TIME_COLUMN]):
        if row["observed_value"] is not None:
            evaluated_at = row[TIME_COLUMN].replace(tzinfo=UTC)
            point = TrendPoint(evaluated_at, row["observed_value"], row["success"])
            points.setdefault(row["rule"], []).append(point)
    return {rule: tuple(found[-_TREND_POINTS:]) for rule, found in points.items()}
