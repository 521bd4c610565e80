"""Rows of Iceberg tables: those to be erased, and every file that may hold one."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table

from firelake.compact.scratch import Limits, scratch
from firelake.erase.request import Request
from firelake.layout import Lake, split_uri
from firelake.maintain.snapshots import expire, files_named, orphans
from firelake.periods import Grain, Period
from firelake.quarantine_rows import quarantine_rewrite
from firelake.rewrite import Rewrite
from firelake.spec.dataset import RAW_OBJECT_COLUMN
from firelake.sql import identifier
from firelake.tables import quarantine, trusted
from firelake.versions import Version, versions

_PARQUET = b"PAR1"


def trusted_matches(lake: Lake, request: Request) -> dict[str, Counter[Period]]:
    """Count the rows to be erased from the trusted table, by raw object and event partition."""
    dataset = request.dataset
    names = tuple(dict.fromkeys((request.column.name, dataset.event_time, RAW_OBJECT_COLUMN)))
    return _matches(
        trusted(dataset).load(lake), names, request.condition, (dataset.event_time, dataset.partition_by)
    )


def quarantine_matches(
    lake: Lake, request: Request, objects: set[tuple[str, int]]
) -> dict[str, Counter[Period]]:
    """Count the rows to be erased from quarantine, by raw object and day of arrival.

    Parameters
    ----------
    objects
        Raw object and offset of each record that is erased from raw.
    """
    names = (RAW_OBJECT_COLUMN, "byte_offset", "raw_text", "arrived_at")
    table = quarantine(request.dataset).load(lake)
    condition = _refused_condition(request)
    return _matches(table, names, condition, ("arrived_at", Grain.DAY), _places(objects))


def erase_trusted(lake: Lake, request: Request, periods: Iterable[Period], origin: str) -> None:
    """Write the partitions anew without the rows."""
    dataset = request.dataset
    Rewrite(lake, trusted(dataset), origin, dataset.target_file_bytes, dataset.sort_by).run(
        periods,
        lambda _, rows: f"SELECT * FROM {rows} WHERE NOT {request.condition}",  # noqa: S608 (all quoted)
    )


def erase_quarantined(
    lake: Lake, request: Request, objects: set[tuple[str, int]], periods: Iterable[Period], origin: str
) -> None:
    """Write the days anew without the rows."""

    def change(connection: duckdb.DuckDBPyConnection, rows: str) -> str:
        connection.register("places", _places(objects))
        return f"SELECT * FROM {rows} WHERE NOT {_refused_condition(request)}"  # noqa: S608 (all quoted)

    quarantine_rewrite(lake, request.dataset, origin).run(periods, change)


def forget_history(table: Table, before: datetime | None = None) -> int:
    """Expire every snapshot but the current, and remove all that nothing names any more.

    Parameters
    ----------
    before
        Files that no snapshot ever named are removed if they are older; an hour, unless said.

    Returns
    -------
    int
        How many snapshots went.
    """
    current = table.metadata.current_snapshot_id
    gone = [one for one in table.metadata.snapshots if one.snapshot_id != current]
    kept = [one for one in table.metadata.snapshots if one.snapshot_id == current]
    named = files_named(table, gone) - files_named(table, kept)
    expire(table, gone)
    abandoned = orphans(table, (), before or datetime.now(UTC) - timedelta(hours=1))
    bucket = split_uri(table.location())[0]
    for key in {*(split_uri(address)[1] for address in named), *(key for key, _ in abandoned)}:
        for version in versions(bucket, key):
            if version.key == key:
                version.delete()
    return len(gone)


def holding_files(bucket: str, prefix: str, request: Request) -> Iterator[Version]:
    """Yield the object versions below a prefix that hold a row or a text to be erased."""
    with scratch(Limits()) as space:
        for version in versions(bucket, prefix):
            body = version.read()
            if body.startswith(_PARQUET):
                if _parquet_holds(space.connection, body, request):
                    yield version
            elif request.is_told_in(body):
                yield version


def rows_by_object(table: Table) -> Counter[str]:
    """Count a table's rows by raw object."""
    rows: Counter[str] = Counter()
    for batch in table.scan(selected_fields=(RAW_OBJECT_COLUMN,)).to_arrow_batch_reader():
        rows.update(batch.column(0).to_pylist())
    return rows


def _parquet_holds(connection: duckdb.DuckDBPyConnection, body: bytes, request: Request) -> bool:
    file = pq.ParquetFile(io.BytesIO(body))
    names = set(file.schema_arrow.names)
    for name, condition in ((request.column.name, request.condition), ("raw_text", request.text_condition)):
        if name not in names:
            continue
        for batch in file.iter_batches(columns=[name]):
            connection.register("file_rows", pa.Table.from_batches([batch]))
            found = connection.execute(f"SELECT count(*) FROM file_rows WHERE {condition}").fetchone()  # noqa: S608
            if found != (0,):
                return True
    return False


def _matches(
    table: Table,
    names: tuple[str, ...],
    condition: str,
    partition: tuple[str, Grain],
    places: pa.Table | None = None,
) -> dict[str, Counter[Period]]:
    column, grain = partition
    found: dict[str, Counter[Period]] = {}
    with scratch(Limits()) as space:
        if places is not None:
            space.connection.register("places", places)
        for batch in table.scan(selected_fields=names).to_arrow_batch_reader():
            space.connection.register("table_rows", pa.Table.from_batches([batch]))
            rows = space.connection.execute(
                f"SELECT {identifier(RAW_OBJECT_COLUMN)}, {identifier(column)} FROM table_rows "  # noqa: S608
                f"WHERE {condition}"
            ).fetchall()
            for key, instant in rows:
                period = Period.containing(instant.replace(tzinfo=UTC), grain)
                found.setdefault(key, Counter())[period] += 1
    return found


def _refused_condition(request: Request) -> str:
    place = f"({identifier(RAW_OBJECT_COLUMN)}, byte_offset) IN (SELECT (key, byte_offset) FROM places)"  # noqa: S608 (quoted)
    return f"({place} OR {request.text_condition})"


def _places(objects: set[tuple[str, int]]) -> pa.Table:
    ordered = sorted(objects)
    return pa.table(
        {
            "key": pa.array([key for key, _ in ordered], pa.string()),
            "byte_offset": pa.array([offset for _, offset in ordered], pa.int64()),
        }
    )
