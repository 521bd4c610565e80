"""Whether the catalog, the buckets and Athena agree with what is declared and with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from firelake import aws, iceberg
from firelake.errors import FirelakeError, VerificationFailed
from firelake.layout import Lake, Zone
from firelake.outcome import Outcome
from firelake.spec import Dataset, find_dataset, load_datasets
from firelake.storage import Bucket
from firelake.summary.spec import SummaryTable, load_summaries
from firelake.tables import OPERATIONAL, TableDeclaration, quarantine, summary, trusted
from firelake.verify import Verified, verify_rows

_TABLE_ZONES = (Zone.TRUSTED, Zone.SUMMARY, Zone.QUARANTINE)


class CatalogChecked(Outcome):
    """How the catalog and the lake stand to what is declared.

    Parameters
    ----------
    tables
        The declared tables that were looked at.
    problems
        Each names a table, crawler or folder.
    """

    tables: tuple[str, ...]
    problems: tuple[str, ...]


def check_catalog(
    lake: Lake, datasets: Iterable[Dataset], summaries: Iterable[SummaryTable]
) -> CatalogChecked:
    """Compare the Glue catalog and the buckets with what is declared.

    Raises
    ------
    LakeUnreachable
        If the catalog or a bucket does not answer.
    """
    datasets = tuple(datasets)
    declared = [
        *(declare(dataset) for dataset in datasets for declare in (trusted, quarantine)),
        *(summary(table) for table in summaries),
        *OPERATIONAL,
    ]
    problems = [problem for declaration in declared for problem in _table_problems(lake, declaration)]
    problems += _missing_crawlers(lake, datasets)
    for zone in _TABLE_ZONES:
        names = {declaration.name for declaration in declared if declaration.zone is zone}
        problems += _undeclared(lake, zone, names)
    return CatalogChecked(
        tables=tuple(f"{declaration.zone}.{declaration.name}" for declaration in declared),
        problems=tuple(problems),
    )


def count_since(lake: Lake, declaration: TableDeclaration, since: datetime) -> Verified:
    """Count through Athena what Iceberg says the partitions since some time hold.

    Raises
    ------
    VerificationFailed
        If Athena counts anything else; the message names the partitions.
    """
    table = declaration.load(lake)
    rows: Counter[str] = Counter()
    for task in table.scan().plan_files():
        period = iceberg.partition_of(task.file, declaration.grain)
        if period.end > since:
            rows[period.key] += task.file.record_count
    snapshot = table.current_snapshot()
    return verify_rows(lake, declaration, snapshot.snapshot_id if snapshot else None, dict(rows))


def require_catalog() -> CatalogChecked:
    """Check the catalog of the lake that the environment names against all that is declared.

    Raises
    ------
    VerificationFailed
        If anything differs; the message names all of it.
    """
    summaries = [one.table for one in load_summaries()]
    found = check_catalog(Lake.from_environment(), load_datasets(), summaries)
    if found.problems:
        raise VerificationFailed("; ".join(found.problems))
    return found


def count_by_name(dataset: str, days: int, now: datetime | None = None) -> dict[str, int]:
    """Count the event partitions of the last days of a dataset and of the summaries that read it.

    Returns
    -------
    dict
        Rows by zone, table and partition.

    Raises
    ------
    VerificationFailed
        If Athena counts anything else than Iceberg says.
    """
    lake, since = Lake.from_environment(), (now or datetime.now(UTC)) - timedelta(days=days)
    reading = [one.table for one in load_summaries() if dataset in one.table.sources]
    counted: dict[str, int] = {}
    for declaration in (trusted(find_dataset(dataset)), *map(summary, reading)):
        for partition, rows in count_since(lake, declaration, since).rows.items():
            counted[f"{declaration.zone}.{declaration.name} {partition}"] = rows
    return counted


def _table_problems(lake: Lake, declaration: TableDeclaration) -> Iterator[str]:
    name = f"{lake.database(declaration.zone)}.{declaration.name}"
    try:
        table = declaration.load_for_writing(lake)
    # What the catalog names may be gone from the lake, which pyiceberg tells as a missing file.
    except (FirelakeError, OSError) as error:
        yield str(error) if name in str(error) else f"table {name}: {error}"
        return
    expected = lake.table_location(declaration.zone, declaration.name)
    if table.location() != expected:
        yield f"table {name} lies in {table.location()}, not in {expected}"


def _missing_crawlers(lake: Lake, datasets: Iterable[Dataset]) -> Iterator[str]:
    glue = aws.client("glue")
    for dataset in datasets:
        name = lake.raw_crawler(dataset.name)
        with aws.reaching(f"crawler {name}"):
            try:
                glue.get_crawler(Name=name)
            except glue.exceptions.EntityNotFoundException:
                yield f"crawler {name} does not exist; run `firelake prepare`"


def _undeclared(lake: Lake, zone: Zone, declared: set[str]) -> Iterator[str]:
    database = lake.database(zone)
    with aws.reaching(f"database {database}"):
        pages = aws.client("glue").get_paginator("get_tables").paginate(DatabaseName=database)
        views = {"VIRTUAL_VIEW"}
        known = {
            found["Name"]
            for page in pages
            for found in page["TableList"]
            if found.get("TableType") not in views
        }
    yield from (
        f"table {database}.{name} is declared nowhere; drop it, or declare it"
        for name in sorted(known - declared)
    )
    folders = {folder.rstrip("/") for folder in Bucket(lake.bucket(zone)).folders("")}
    yield from (
        f"s3://{lake.bucket(zone)}/{name}/ belongs to no table; remove it, or restore the table"
        for name in sorted(folders - declared - known)
    )
