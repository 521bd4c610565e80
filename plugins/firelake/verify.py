"""Asking Athena, as a reader would, what a commit made visible."""

from __future__ import annotations

from datetime import datetime

from firelake import athena
from firelake.errors import VerificationFailed
from firelake.layout import Lake
from firelake.outcome import Outcome
from firelake.periods import Period
from firelake.spec.types import Primitive
from firelake.sql import identifier, literal
from firelake.tables import TableDeclaration


class Verified(Outcome):
    """What Athena sees.

    Parameters
    ----------
    rows
        Rows by partition.
    bytes_scanned
        What the question cost.
    """

    rows: dict[str, int]
    bytes_scanned: int


def verify_rows(
    lake: Lake, declaration: TableDeclaration, snapshot_id: int | None, rows: dict[str, int]
) -> Verified:
    """Count the rows of some partitions in one snapshot through Athena, and compare.

    Parameters
    ----------
    snapshot_id
        The snapshot; None if nothing was committed.
    rows
        What each partition must hold.

    Raises
    ------
    VerificationFailed
        If Athena counts anything else; the message names the partitions.
    """
    if snapshot_id is None or not rows:
        return Verified(rows={}, bytes_scanned=0)
    finished = athena.run(lake, count_statement(lake, declaration, snapshot_id, rows))
    counted = {partition: int(seen) for partition, seen in athena.rows(finished.query_id)}
    seen = {partition: counted.get(partition, 0) for partition in rows}
    wrong = [
        f"{partition}: published {rows[partition]}, Athena sees {seen[partition]}"
        for partition in sorted(rows)
        if seen[partition] != rows[partition]
    ]
    if wrong:
        raise VerificationFailed(f"{declaration.zone}.{declaration.name}: {'; '.join(wrong)}")
    return Verified(rows=seen, bytes_scanned=finished.bytes_scanned)


def count_statement(
    lake: Lake, declaration: TableDeclaration, snapshot_id: int, partitions: dict[str, int]
) -> str:
    """Return Athena SQL that counts rows by partition key in one snapshot."""
    periods = sorted(Period.parse(key, declaration.grain) for key in partitions)
    column = identifier(declaration.partition_column)
    table = f"{identifier(lake.database(declaration.zone))}.{identifier(declaration.name)}"
    key = f"date_format(CAST({column} AS timestamp), {literal(declaration.grain.key_format)})"
    return (
        f"SELECT {key} AS event_partition, count(*) AS seen FROM {table} "  # noqa: S608 (all quoted)
        f"FOR VERSION AS OF {int(snapshot_id)} "
        f"WHERE {within_sql(declaration, periods[0].start, periods[-1].end)} GROUP BY 1"
    )


def within_sql(declaration: TableDeclaration, start: datetime, end: datetime) -> str:
    """Return Athena's condition for a table's rows from ``start`` to just before ``end``."""
    kind = {name: kind for name, kind, _ in declaration.columns}[declaration.partition_column]
    type_name, pattern = (
        ("DATE", "%Y-%m-%d") if kind == Primitive("date") else ("TIMESTAMP", "%Y-%m-%d %H:%M:%S")
    )
    column = identifier(declaration.partition_column)
    first, behind = (f"{type_name} {literal(instant.strftime(pattern))}" for instant in (start, end))
    return f"{column} >= {first} AND {column} < {behind}"
