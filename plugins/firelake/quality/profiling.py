"""Profiling a batch with DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from firelake.quality.dialect import BATCH_VIEW, count_rows
from firelake.quality.profile import MAX_VALUES, STEPS, BatchProfile, ColumnShape
from firelake.quality.series import Series, SeriesColumn
from firelake.quality.supported import Kind, kind_of
from firelake.sql import identifier

# Of so many rows, every twentieth of the distribution lies within a third of a percent of where it is.
_SAMPLED_ROWS = 50_000
_SEED = 20
_VALUED = frozenset({Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN})


def profile_batch(engine: sa.Engine, series: Series, partition: str) -> BatchProfile:
    """Profile the batch view of ``engine``; no value of personal data is kept."""
    rows = count_rows(engine)
    columns = [column for column in series.columns if column.name != series.event_time]
    valued = [column for column in columns if not column.pii and kind_of(column.type) in _VALUED]
    numbers = [column for column in valued if kind_of(column.type) is Kind.NUMBER]
    with engine.connect() as connection:
        nulls = _figures(connection, columns, "count(*) - count({})")
        distinct = _figures(connection, valued, "approx_count_distinct({})")
        quantiles = _quantiles(connection, numbers, rows)
        # The count is an estimate: twice as many may still turn out to be few.
        few = [name for name, count in distinct.items() if count <= 2 * MAX_VALUES]
        values = {name: _value_counts(connection, name) for name in few}
        shapes = {
            name: ColumnShape(nulls[name], quantiles.get(name), values.get(name))
            for name in (column.name for column in columns)
        }
        if series.event_time is not None:
            shapes[series.event_time] = _hours(connection, series.event_time)
    return BatchProfile(partition, rows, shapes)


def _figures(connection: sa.Connection, columns: Sequence[SeriesColumn], figure: str) -> dict[str, int]:
    """Return a figure of each column, all in one look at the rows."""
    if not columns:
        return {}
    figures = ", ".join(figure.format(identifier(column.name)) for column in columns)
    found = connection.exec_driver_sql(f"SELECT {figures} FROM {BATCH_VIEW}").one()  # noqa: S608 (quoted)
    return {column.name: int(value) for column, value in zip(columns, found, strict=True)}


def _quantiles(
    connection: sa.Connection, columns: Sequence[SeriesColumn], rows: int
) -> dict[str, tuple[float, ...]]:
    """Return the quantiles of number columns that have values, of a sample where there are many rows."""
    if not columns:
        return {}
    shares = ", ".join(f"{step / STEPS}" for step in range(STEPS + 1))
    figures = ", ".join(f"approx_quantile({identifier(one.name)}::DOUBLE, [{shares}])" for one in columns)
    percent = 100 * _SAMPLED_ROWS / rows if rows else 100.0
    sample = f" USING SAMPLE {percent:.6f}% (bernoulli, {_SEED})" if percent < 100 else ""
    found = connection.exec_driver_sql(f"SELECT {figures} FROM {BATCH_VIEW}{sample}").one()  # noqa: S608
    named = zip(columns, found, strict=True)
    return {column.name: tuple(values) for column, values in named if values is not None}


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
