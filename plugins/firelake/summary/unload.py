"""Letting Athena write one partition of a summary as Parquet that no reader sees yet."""

from __future__ import annotations

from firelake import athena, aws, sql
from firelake.layout import Lake, Zone, unload_prefix, uri
from firelake.outcome import Outcome
from firelake.periods import Period
from firelake.summary.spec import Summary


class QueryOutcome(Outcome):
    """What Athena wrote.

    Parameters
    ----------
    query_id
        Athena's id of the query.
    bytes_scanned
        What it read, which is what it costs.
    seconds
        From start to end, waiting included.
    files
        Addresses of the files it wrote; none if the query returned no rows.
    """

    query_id: str
    bytes_scanned: int
    seconds: float
    files: tuple[str, ...]


def unload_statement(query: str, location: str) -> str:
    """Return the statement that writes a query's rows as Parquet files under ``location``."""
    options = f"format = {sql.literal('PARQUET')}, compression = {sql.literal('ZSTD')}"
    return f"UNLOAD (\n{query.rstrip()}\n)\nTO {sql.literal(location)}\nWITH ({options})"


def unload(lake: Lake, summary: Summary, period: Period, run_id: str) -> QueryOutcome:
    """Compute one partition of a summary in Athena and leave its rows as staged files.

    Parameters
    ----------
    lake
        Whose tables and buckets.
    summary
        The table and its query.
    period
        The partition.
    run_id
        Names the folder of the files. Athena writes into an empty folder only, so each try needs
        an id of its own.

    Raises
    ------
    LakeUnreachable
        If Athena or S3 does not answer or refuses access.
    FirelakeError
        If the query fails; the message carries Athena's reason.
    """
    bucket, prefix = lake.bucket(Zone.SUMMARY), unload_prefix(summary.table.name, period.key, run_id)
    statement = unload_statement(summary.query, uri(bucket, prefix))
    finished = athena.run(lake, statement, summary.table.bound(period))
    return QueryOutcome(
        query_id=finished.query_id,
        bytes_scanned=finished.bytes_scanned,
        seconds=finished.seconds,
        files=_files(bucket, prefix),
    )


def _files(bucket: str, prefix: str) -> tuple[str, ...]:
    with aws.reaching(uri(bucket, prefix)):
        pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return tuple(uri(bucket, item["Key"]) for page in pages for item in page.get("Contents", []))
