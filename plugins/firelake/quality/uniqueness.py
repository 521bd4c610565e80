"""Uniqueness over several columns, where Great Expectations' SQL takes a row with a null for unique.

Its SQL joins the batch with its groups by ``=``, so rows with a null in any key column drop out
unseen. Here two nulls are equal, as in its pandas engine.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from firelake.quality.arguments import CompoundRows
from firelake.quality.dialect import BATCH_VIEW, count_rows
from firelake.quality.finding import SAMPLE_SIZE, Finding
from firelake.sql import identifier, identifiers


def find_repeats(engine: sa.Engine, arguments: CompoundRows) -> Finding:
    """Count the rows that share their key with another, in the form of Great Expectations' own results."""
    try:
        return _find_repeats(engine, arguments)
    except sa.exc.DBAPIError as error:
        return Finding(success=False, error=str(error.orig), result={})


def _find_repeats(engine: sa.Engine, arguments: CompoundRows) -> Finding:
    rows = count_rows(engine)
    kept = _kept_rows(arguments)
    keys = identifiers(arguments.column_list)
    with engine.connect() as connection:
        checked = int(connection.exec_driver_sql(f"SELECT count(*) {kept}").scalar_one())
        # Hashes only nominate, at a fraction of what comparing the keys takes: the keys decide.
        nominated = f"(SELECT hash({keys}) {kept} GROUP BY ALL HAVING count(*) > 1)"
        repeats = connection.exec_driver_sql(
            f"SELECT {keys}, sum(count(*)) OVER () {kept} AND hash({keys}) IN {nominated} "
            f"GROUP BY {keys} HAVING count(*) > 1 ORDER BY count(*) DESC, {keys} LIMIT {SAMPLE_SIZE}"
        ).fetchall()
    rows_bad = int(repeats[0][-1]) if repeats else 0
    return Finding(
        success=checked == 0 or (checked - rows_bad) / checked >= arguments.mostly,
        error=None,
        result={
            "element_count": rows,
            "missing_count": rows - checked,
            "unexpected_count": rows_bad,
            "partial_unexpected_list": [_example(arguments, row) for row in repeats],
        },
    )


def _kept_rows(arguments: CompoundRows) -> str:
    nulls = [f"{identifier(name)} IS NULL" for name in arguments.column_list]
    ignored = {
        "never": "false",
        "any_value_is_missing": " OR ".join(nulls),
        "all_values_are_missing": " AND ".join(nulls),
    }
    return f"FROM {BATCH_VIEW} WHERE NOT ({ignored[arguments.ignore_row_if]})"


def _example(arguments: CompoundRows, row: sa.Row[Any]) -> dict[str, Any]:
    return dict(zip(arguments.column_list, row, strict=False))
