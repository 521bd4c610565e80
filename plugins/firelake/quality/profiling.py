"""Profiling a batch with DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from firelake.quality.dialect import BATCH_VIEW, count_rows
from firelake.quality.profile import MAX_VALUES, STEPS, BatchProfile, ColumnShape
from firelake.quality.series import Series
from firelake.quality.supported import Kind, kind_of
from firelake.sql import identifier


def profile_batch(engine: sa.Engine, series: Series, partition: str) -> BatchProfile:
    """Profile the batch view of ``engine``; no value of personal data is kept."""
    rows = count_rows(engine)
    with engine.connect() as connection:
        shapes = {
            column.name: _shape(connection, column.name, kind_of(column.type), secret=column.pii)
            for column in series.columns
            if column.name != series.event_time
        }
        if series.event_time is not None:
            shapes[series.event_time] = _hours(connection, series.event_time)
    return BatchProfile(partition, rows, shapes)


def _shape(connection: sa.Connection, name: str, kind: Kind, *, secret: bool) -> ColumnShape:
    figures = ", ".join(_figures(identifier(name), kind))
    found = connection.exec_driver_sql(f"SELECT {figures} FROM {BATCH_VIEW}").one()  # noqa: S608 (quoted)
    nulls, distinct, quantiles = found
    if secret or kind not in (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN):
        return ColumnShape(nulls)
    # The count is an estimate: twice as many may still turn out to be few.
    values = _value_counts(connection, name) if distinct <= 2 * MAX_VALUES else None
    return ColumnShape(nulls, None if quantiles is None else tuple(quantiles), values)


def _figures(column: str, kind: Kind) -> Iterator[str]:
    yield f"count(*) - count({column})"
    yield "0" if kind is Kind.NESTED else f"approx_count_distinct({column})"
    shares = ", ".join(f"{step / STEPS}" for step in range(STEPS + 1))
    yield f"approx_quantile({column}::DOUBLE, [{shares}])" if kind is Kind.NUMBER else "NULL"


def _value_counts(connection: sa.Connection, name: str) -> dict[str, int] | None:
    column = identifier(name)
    rows = connection.exec_driver_sql(
        f"SELECT {column}::VARCHAR, count(*) FROM {BATCH_VIEW} WHERE {column} IS NOT NULL "  # noqa: S608
        f"GROUP BY ALL ORDER BY ALL LIMIT {MAX_VALUES + 1}"
    ).fetchall()
    return {str(value): int(count) for value, count in rows} if len(rows) <= MAX_VALUES else None


def _hours(connection: sa.Connection, name: str) -> ColumnShape:
    column = identifier(name)
    rows = connection.exec_driver_sql(
        f"SELECT hour({column}), count(*) FROM {BATCH_VIEW} WHERE {column} IS NOT NULL GROUP BY ALL"  # noqa: S608
    ).fetchall()
    return ColumnShape(0, None, {str(hour): count for hour, count in sorted(rows)})
