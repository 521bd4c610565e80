"""Proposing a suite from published data, for people to review: bounds, and why just these."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from firelake.quality.dialect import BATCH_VIEW, batch_engine, count_rows
from firelake.quality.report_view import share
from firelake.quality.result import Severity
from firelake.quality.supported import Kind, kind_of
from firelake.spec.types import ColumnType

MAX_VALUES = 20

_ROWS_PER_VALUE = 20
_MIN_ROWS = 100
_PADDING = 0.1

_SETTABLE = frozenset({Kind.NUMBER, Kind.TEXT})

Entry = dict[str, Any]


@dataclass(frozen=True)
class ColumnProfile:
    """What a column's values are like.

    Parameters
    ----------
    rows, nulls, distinct
        How many rows there are, how many have no value, and how many different values there are.
    low, high
        The smallest and the largest value; the shortest and longest length for texts.
    quartiles
        The first and the third quartile of a number column.
    values
        All values, if there are at most :data:`MAX_VALUES`.
    """

    name: str
    kind: Kind
    rows: int
    nulls: int
    distinct: int
    low: float | None
    high: float | None
    quartiles: tuple[float, float] | None
    values: tuple[Any, ...]


def profile(
    files: Sequence[Path], columns: Mapping[str, ColumnType], pii: frozenset[str] = frozenset()
) -> list[ColumnProfile]:
    """Profile the declared columns of Parquet files; values of personal data are not collected."""
    with batch_engine(files, columns) as engine:
        rows = count_rows(engine)
        kinds = {name: kind_of(column_type) for name, column_type in columns.items() if name[0] != "_"}
        return [_profile(engine, name, kind, rows, name in pii) for name, kind in kinds.items()]


def suggest_suite(name: str, profiles: Sequence[ColumnProfile]) -> str:
    """Return a suite file to start a review from; every rule's description gives its reason."""
    rules = [_rows_rule(), *(entry for one in profiles for entry in _column_rules(one))]
    rows = profiles[0].rows if profiles else 0
    meta = {"reviewed_by": None, "proposed_from_rows": rows}
    return (
        json.dumps({"name": name, "meta": meta, "expectations": rules}, ensure_ascii=False, indent=2) + "\n"
    )


def _profile(engine: sa.Engine, name: str, kind: Kind, rows: int, secret: bool) -> ColumnProfile:
    batch = sa.table(BATCH_VIEW)
    column: sa.ColumnElement[Any] = sa.column(name)
    with engine.connect() as connection:
        figures = connection.execute(sa.select(*_figures(column, kind)).select_from(batch)).one()
        present, distinct, low, high, first_quartile, third_quartile = figures
        values: tuple[Any, ...] = ()
        if kind in _SETTABLE and not secret and distinct <= MAX_VALUES:
            listed = sa.select(column).select_from(batch).where(column.is_not(None)).distinct()
            values = tuple(sorted(connection.execute(listed).scalars()))
    if math.inf in values or -math.inf in values:
        values = ()  # JSON has no infinity
    quartiles = None if first_quartile is None else (first_quartile, third_quartile)
    return ColumnProfile(name, kind, rows, rows - present, distinct, low, high, quartiles, values)


def _figures(column: sa.ColumnElement[Any], kind: Kind) -> Iterator[sa.ColumnElement[Any]]:
    """Yield how many values and different ones there are, then the range and the quartiles, or nulls."""
    yield sa.func.count(column)
    yield sa.literal_column("0") if kind is Kind.NESTED else sa.func.count(sa.distinct(column))
    measured = {Kind.TEXT: sa.func.length(column), Kind.NUMBER: sa.cast(column, sa.Double)}.get(kind)
    if measured is None:
        yield from [sa.null()] * 4
        return
    yield from (sa.func.min(measured), sa.func.max(measured))
    if kind is Kind.TEXT:
        yield from [sa.null()] * 2
        return
    for quantile in ("0.25", "0.75"):
        yield sa.func.quantile_cont(measured, sa.literal_column(quantile))


def _column_rules(one: ColumnProfile) -> Iterator[Entry]:
    if one.rows < _MIN_ROWS or one.nulls == one.rows:
        return
    yield from _presence_rules(one)
    if one.values and one.rows >= _ROWS_PER_VALUE * one.distinct:
        yield from _set_rules(one)
    elif one.kind is Kind.NUMBER:
        yield from _range_rules(one)
    elif one.kind is Kind.TEXT:
        yield from _text_rules(one)


def _rows_rule() -> Entry:
    kwargs = {"min_value": 1}
    reason = "A partition without rows is never published over one that has some."
    return _entry("rows.any", "expect_table_row_count_to_be_between", kwargs, Severity.CRITICAL, reason)


def _presence_rules(one: ColumnProfile) -> Iterator[Entry]:
    null_share = one.nulls / one.rows
    # Room for twice the nulls that were seen, and for one in a hundred where none was.
    mostly = math.floor(100 * (1 - max(2 * null_share, 0.01))) / 100
    if mostly <= 0:
        return
    yield _entry(
        f"{one.name}.present",
        "expect_column_values_to_not_be_null",
        {"column": one.name, "mostly": mostly},
        Severity.WARNING,
        f"{share(null_share)} of {one.rows:,} rows had no {one.name}.",
    )


def _set_rules(one: ColumnProfile) -> Iterator[Entry]:
    yield _entry(
        f"{one.name}.known",
        "expect_column_values_to_be_in_set",
        {"column": one.name, "value_set": list(one.values)},
        Severity.WARNING,
        f"{one.rows:,} rows had only these {one.distinct} values; is the list complete?",
    )


def _range_rules(one: ColumnProfile) -> Iterator[Entry]:
    bounds = _padded(one.low, one.high)
    if bounds is not None:
        yield _entry(
            f"{one.name}.range",
            "expect_column_values_to_be_between",
            {"column": one.name, "min_value": bounds[0], "max_value": bounds[1]},
            Severity.WARNING,
            f"Seen were {one.low:g} to {one.high:g}; is there a limit by nature?",
        )
    middle = _padded(*one.quartiles) if one.quartiles else None
    if middle is not None:
        yield _entry(
            f"{one.name}.median",
            "expect_column_median_to_be_between",
            {"column": one.name, "min_value": middle[0], "max_value": middle[1]},
            Severity.INFO,
            "Half of all values lay between these; a median outside of them is a shift.",
        )


def _text_rules(one: ColumnProfile) -> Iterator[Entry]:
    if one.low is None or one.high is None:
        return
    yield _entry(
        f"{one.name}.length",
        "expect_column_value_lengths_to_be_between",
        {"column": one.name, "min_value": int(one.low), "max_value": 2 * int(one.high)},
        Severity.INFO,
        f"Texts had {one.low:g} to {one.high:g} characters; there is room for twice as many.",
    )


def _padded(low: float | None, high: float | None) -> tuple[float, float] | None:
    """Widen a range a little and round it outwards; None if there is no finite range."""
    if low is None or high is None or not math.isfinite(high - low):
        return None
    width = (high - low) or abs(high) or 1.0
    step = 10.0 ** (math.floor(math.log10(width)) - 1)
    below = math.floor((low - _PADDING * width) / step) * step
    above = math.ceil((high + _PADDING * width) / step) * step
    if not (math.isfinite(below) and math.isfinite(above)):
        return None
    # What is never negative mostly cannot be.
    lowest = 0.0 if low >= 0 > below else below
    return min(low, float(f"{lowest:.12g}")), max(high, float(f"{above:.12g}"))


def _entry(rule: str, type_name: str, kwargs: Entry, severity: Severity, reason: str) -> Entry:
    return {
        "type": type_name,
        "kwargs": kwargs,
        "severity": str(severity),
        "description": reason,
        "meta": {"rule": rule},
    }
