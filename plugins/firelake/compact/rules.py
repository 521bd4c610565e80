"""Records that fail a rule which says ``on_failure: quarantine``: refused like those that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from firelake.quality.predicates import RowPredicate, refusal_sql
from firelake.spec.dataset import RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.sql import identifier, identifiers, literal

FAILED_RULE = "failed_rule"


def refusing_query(typed: str, predicates: Sequence[RowPredicate]) -> str:
    """Return SQL for typed records in which those that fail a rule are refused by its name.

    Parameters
    ----------
    typed
        The query of :func:`firelake.compact.casting.parse_query`.
    """
    if not predicates:
        return typed
    return f"""
    SELECT * EXCLUDE (_rule) REPLACE (
        CASE WHEN _rule IS NULL THEN _reason ELSE {literal(FAILED_RULE)} END AS _reason,
        coalesce(_rule, _detail) AS _detail)
    FROM (SELECT *, CASE WHEN _reason IS NULL THEN {refusal_sql(predicates)} END AS _rule FROM ({typed}))
    """  # noqa: S608 (every name is quoted, every text a literal)


def failures_by_rule(
    connection: duckdb.DuckDBPyConnection, predicates: Sequence[RowPredicate]
) -> dict[str, int]:
    """Count the refused records that fail each rule; one that fails several counts for each."""
    if not predicates:
        return {}
    counts = ", ".join(f"count(*) FILTER (WHERE {one.sql}) AS {identifier(one.rule)}" for one in predicates)
    found = connection.execute(
        f"SELECT {counts} FROM records WHERE _reason = {literal(FAILED_RULE)}"  # noqa: S608
    )
    names = [description[0] for description in found.description or ()]
    return dict(zip(names, found.fetchone() or (), strict=True))


def write_failed(connection: duckdb.DuckDBPyConnection, names: Sequence[str], path: Path) -> None:
    """Write the records that failed a rule as rows of the trusted table, for the gate to count again.

    Parameters
    ----------
    names
        The columns that records were typed into.
    """
    connection.execute(
        f"""
        COPY (SELECT {identifiers(names)}, _key AS {RAW_OBJECT_COLUMN}, _position AS {RAW_POSITION_COLUMN}
              FROM records JOIN objects ON _ordinal = _object WHERE _reason = {literal(FAILED_RULE)})
        TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)
        """  # noqa: S608
    )
