"""What lies in a zone's tables now: rows, files, bytes, and the newest record's time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import StaticTable, Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import PrimitiveType

from firelake import aws, iceberg
from firelake.layout import Lake, Zone
from firelake.outcome import Outcome
from firelake.periods import Grain, Period
from firelake.tables import TableDeclaration

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import TableTypeDef

_CONCURRENCY = 8
_METADATA = "metadata_location"
_SECONDS_IN_MICROSECONDS = 1_000_000


class Holding(Outcome):
    """One table as readers see it.

    Parameters
    ----------
    newest
        Time of the newest record; None if there is none.
    committed_at
        When its current snapshot was made.
    """

    table: str
    rows: int
    files: int
    bytes_parquet: int
    newest: datetime | None
    committed_at: datetime | None


class PartitionHolding(Outcome):
    """One event partition of a table."""

    partition: str
    rows: int
    files: int
    bytes_parquet: int


class SnapshotLine(Outcome):
    """One snapshot of a table's history.

    Parameters
    ----------
    run_id
        The run that made it; None if it was made by something else.
    rows, rows_added, rows_removed
        Rows the table had then, and what the commit changed.
    current
        Whether readers see this one.
    """

    snapshot_id: int
    committed_at: datetime
    operation: str
    run_id: str | None
    rows: int
    rows_added: int
    rows_removed: int
    current: bool


class Holdings:
    """The tables of one zone. Only those that have changed since the last look are read again.

    Not for several threads at once.
    """

    def __init__(self, lake: Lake, zone: Zone) -> None:
        self._lake = lake
        self._zone = zone
        self._known: dict[str, tuple[str, Holding]] = {}

    def read(self, declarations: Iterable[TableDeclaration]) -> dict[str, Holding]:
        """Return what lies in the zone's declared tables, by name; those that do not exist are left out."""
        locations = _metadata_locations(self._lake, self._zone)
        wanted = [
            (one, locations[one.name])
            for one in declarations
            if one.zone is self._zone and one.name in locations
        ]
        with ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="holding") as pool:
            found = dict(pool.map(lambda pair: self._holding(*pair), wanted))
        self._known = {one.name: (location, found[one.name]) for one, location in wanted}
        return found

    def _holding(self, declaration: TableDeclaration, location: str) -> tuple[str, Holding]:
        known = self._known.get(declaration.name)
        if known is not None and known[0] == location:
            return declaration.name, known[1]
        with aws.reaching(location):
            table = StaticTable.from_metadata(location, dict(iceberg.catalog().properties))
            return declaration.name, holding(declaration, table)


def holding(declaration: TableDeclaration, table: Table) -> Holding:
    """Say what lies in a table, from its metadata alone."""
    snapshot = table.current_snapshot()
    return Holding(
        table=declaration.name,
        rows=_figure(snapshot, "total-records"),
        files=_figure(snapshot, "total-data-files"),
        bytes_parquet=_figure(snapshot, "total-files-size"),
        newest=_newest(table, declaration, snapshot),
        committed_at=_instant(snapshot) if snapshot else None,
    )


def partitions(declaration: TableDeclaration, table: Table) -> list[PartitionHolding]:
    """Return a table's event partitions, the latest first."""
    by_period: dict[Period, list[DataFile]] = {}
    for task in table.scan().plan_files():
        by_period.setdefault(iceberg.partition_of(task.file, declaration.grain), []).append(task.file)
    return [
        PartitionHolding(
            partition=period.key,
            rows=sum(file.record_count for file in files),
            files=len(files),
            bytes_parquet=sum(file.file_size_in_bytes for file in files),
        )
        for period, files in sorted(by_period.items(), reverse=True)
    ]


def snapshots(table: Table) -> list[SnapshotLine]:
    """Return a table's history, the latest snapshot first."""
    current = table.metadata.current_snapshot_id
    return [
        _line(snapshot, snapshot.snapshot_id == current) for snapshot in reversed(table.metadata.snapshots)
    ]


def _line(snapshot: Snapshot, current: bool) -> SnapshotLine:
    properties = _properties(snapshot)
    return SnapshotLine(
        snapshot_id=snapshot.snapshot_id,
        committed_at=_instant(snapshot),
        operation=snapshot.summary.operation.value if snapshot.summary else "unknown",
        run_id=properties.get(iceberg.COMMIT_PROPERTY),
        rows=_figure(snapshot, "total-records"),
        rows_added=_figure(snapshot, "added-records"),
        rows_removed=_figure(snapshot, "deleted-records"),
        current=current,
    )


def _newest(table: Table, declaration: TableDeclaration, snapshot: Snapshot | None) -> datetime | None:
    """Return the greatest event time that the last partition's files are known to hold."""
    field = table.schema().find_field(declaration.partition_column)
    if snapshot is None or not isinstance(field.field_type, PrimitiveType):
        return None
    bounds = [
        from_bytes(field.field_type, file.upper_bounds[field.field_id])
        for file in _last_files(table, snapshot, declaration.grain)
        if file.upper_bounds and field.field_id in file.upper_bounds
    ]
    if not bounds or not isinstance(bounds[0], int):
        return None
    # Dates count days, timestamps microseconds.
    scale = 86_400 if declaration.grain is Grain.DAY and str(field.field_type) == "date" else 0
    latest = max(bounds)
    return datetime.fromtimestamp(latest * scale if scale else latest / _SECONDS_IN_MICROSECONDS, UTC)


def _last_files(table: Table, snapshot: Snapshot, grain: Grain) -> Iterator[DataFile]:
    """Yield the files of the last partition, reading only manifests that can name one."""
    manifests = sorted(snapshot.manifests(table.io), key=_last_partition, reverse=True)
    found: list[DataFile] = []
    last: Period | None = None
    for manifest in manifests:
        if found and _last_partition(manifest) < _partition_number(found[0]):
            break
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            period = iceberg.partition_of(entry.data_file, grain)
            if last is None or period > last:
                last, found = period, []
            if period == last:
                found.append(entry.data_file)
    yield from found


def _last_partition(manifest: ManifestFile) -> int:
    bounds = manifest.partitions[0].upper_bound if manifest.partitions else None
    return int.from_bytes(bounds, "little", signed=True) if bounds else -1


def _partition_number(file: DataFile) -> int:
    number = file.partition[0]
    return number if isinstance(number, int) else -1


def _metadata_locations(lake: Lake, zone: Zone) -> Mapping[str, str]:
    """Return where each of a zone's Iceberg tables has its metadata, in a call for every hundred."""
    with aws.reaching(f"tables of {lake.database(zone)}"):
        pages = aws.client("glue").get_paginator("get_tables").paginate(DatabaseName=lake.database(zone))
        found = [table for page in pages for table in page["TableList"]]
    return {table["Name"]: location for table in found if (location := _location(table))}


def _location(table: TableTypeDef) -> str:
    return table.get("Parameters", {}).get(_METADATA, "")


def _figure(snapshot: Snapshot | None, name: str) -> int:
    return int(_properties(snapshot).get(name, 0))


def _properties(snapshot: Snapshot | None) -> Mapping[str, str]:
    return snapshot.summary.additional_properties if snapshot and snapshot.summary else {}


def _instant(snapshot: Snapshot) -> datetime:
    return datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
