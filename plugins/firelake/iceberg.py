"""Iceberg tables in the Glue catalog: made from declarations, read by partition, changed by one commit."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ValidationException
from pyiceberg.expressions import And, BooleanExpression, GreaterThanOrEqual, LessThan
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import DataScan, Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.transforms import DayTransform, HourTransform, Transform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
)

from firelake import aws
from firelake.errors import CommitConflict, FirelakeError, LakeUnreachable
from firelake.layout import Lake, Zone
from firelake.outcome import PartitionBase, TableStage
from firelake.periods import Grain, Period
from firelake.spec.types import ColumnType, Decimal, ListOf, MapOf, Primitive

COMMIT_PROPERTY = "firelake.run-id"
STAGE_PROPERTY = "firelake.stage"
ROLLBACK_PROPERTY = "firelake.rolled-back-to"

_PRIMITIVES: dict[str, IcebergType] = {
    "string": StringType(),
    "int": IntegerType(),
    "bigint": LongType(),
    "float": FloatType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "timestamp": TimestampType(),
    "date": DateType(),
}
_FIRST_PARTITION_ID = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMMIT_ATTEMPTS = 30
_BACKOFF_S = 0.05
_MAX_BACKOFF_S = 2.0
# An answer may be cut short and yet look whole.
_READ_TRIES = 4
# pyiceberg would replay a stale overwrite of an empty partition without seeing what the other writer added.
_NO_RETRIES = {"commit.retry.num-retries": "0"}
# Appends cannot disturb each other, so pyiceberg may replay them.
_APPEND_RETRIES = {
    "commit.retry.num-retries": str(_COMMIT_ATTEMPTS),
    "commit.retry.min-wait-ms": "50",
    "commit.retry.max-wait-ms": "2000",
}
_TABLE_PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
}


@lru_cache(maxsize=4)
def _catalog(endpoint: str | None, _process: int) -> GlueCatalog:
    # The default is None: then the AWS SDKs find the endpoint, as they find region and credentials.
    # Arrow gives up on a request after three seconds otherwise.
    properties: dict[str, Any] = {"s3.connect-timeout": "5", "s3.request-timeout": "60"}
    if endpoint:
        properties |= {"glue.endpoint": endpoint, "s3.endpoint": endpoint}
    if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
        properties["s3.region"] = region
    return GlueCatalog("glue", **properties)


def catalog() -> GlueCatalog:
    """Return this process's Glue catalog."""
    return _catalog(os.environ.get("AWS_ENDPOINT_URL"), os.getpid())


def iceberg_type(kind: ColumnType, ids: Iterator[int]) -> IcebergType:
    """Return a column's Iceberg type; nested fields take their ids from ``ids``."""
    match kind:
        case Primitive(name):
            return _PRIMITIVES[name]
        case Decimal(precision, scale):
            return DecimalType(precision, scale)
        case ListOf(element):
            return ListType(next(ids), iceberg_type(element, ids), element_required=False)
        case MapOf(value):
            return MapType(next(ids), StringType(), next(ids), iceberg_type(value, ids), value_required=False)
        case _:
            return StructType(
                *(
                    NestedField(next(ids), name, iceberg_type(field, ids), required=False)
                    for name, field in kind.fields
                )
            )


def schema_of(columns: Sequence[tuple[str, ColumnType, str]]) -> Schema:
    """Return a schema from names, types and comments; every column may hold nulls."""
    ids = count(1)
    return Schema(
        *(
            NestedField(next(ids), name, iceberg_type(kind, ids), required=False, doc=comment or None)
            for name, kind, comment in columns
        )
    )


def name_mapping(schema: Schema) -> dict[str, str]:
    """Return the property by which files without column ids are read: by their columns' names."""
    return {"schema.name-mapping.default": schema.name_mapping.model_dump_json()}


def partition_spec(schema: Schema, column: str, grain: Grain) -> PartitionSpec:
    """Return the partitioning of a table by the day or hour of a timestamp or date column."""
    transform: Transform[Any, int] = HourTransform() if grain is Grain.HOUR else DayTransform()
    source = schema.find_field(column).field_id
    return PartitionSpec(PartitionField(source, _FIRST_PARTITION_ID, transform, f"{column}_{grain}"))


def properties_of(comment: str, *, append_only: bool) -> dict[str, str]:
    """Return the properties of a table that is only ever appended to, or whose partitions are replaced."""
    return {**_TABLE_PROPERTIES, **(_APPEND_RETRIES if append_only else _NO_RETRIES), "comment": comment}


def load_table(lake: Lake, zone: Zone, name: str) -> Table:
    """Return a table.

    Raises
    ------
    LakeUnreachable
        If it does not exist, or the catalog does not answer.
    """
    database = lake.database(zone)
    with aws.reaching(f"table {database}.{name}"):
        try:
            return catalog().load_table((database, name))
        except NoSuchTableError as error:
            raise LakeUnreachable(
                f"table {database}.{name} does not exist; run `firelake prepare`"
            ) from error


def partition_of(file: DataFile, grain: Grain) -> Period:
    """Return the event partition a data file belongs to."""
    number = file.partition[0]
    if not isinstance(number, int):
        raise FirelakeError(f"{file.file_path}: has no {grain} partition")
    length = timedelta(hours=1) if grain is Grain.HOUR else timedelta(days=1)
    return Period(_EPOCH + number * length, grain)


def partition_files(table: Table, column: str, periods: Iterable[Period]) -> dict[Period, list[DataFile]]:
    """Return the data files of some partitions, as the table's current snapshot has them.

    Raises
    ------
    FirelakeError
        If a file has row-level deletes, which reading files alone would undo.
    """
    wanted = {period: list[DataFile]() for period in sorted(periods)}
    if not wanted or table.current_snapshot() is None:
        return wanted
    first, last = min(wanted), max(wanted)
    pattern = "%Y-%m-%d" if table.schema().find_type(column) == DateType() else "%Y-%m-%dT%H:%M:%S"
    within = And(
        GreaterThanOrEqual(term=column, value=first.start.strftime(pattern)),
        LessThan(term=column, value=last.end.strftime(pattern)),
    )
    for task in table.scan(row_filter=within).plan_files():
        period = partition_of(task.file, first.grain)
        if period not in wanted:
            continue
        if task.delete_files:
            raise FirelakeError(
                f"{task.file.file_path}: rows were deleted by another engine; rewrite the partition "
                f"{period} of {'.'.join(table.name())} with OPTIMIZE first"
            )
        wanted[period].append(task.file)
    return wanted


def rows(scan: DataScan) -> pa.Table:
    """Return the rows that a scan finds.

    Raises
    ------
    LakeUnreachable
        If a data file keeps coming damaged.
    """
    return _whole(scan.to_arrow, f"table {scan.table_metadata.location}")


_T = TypeVar("_T")


def _whole(read: Callable[[], _T], target: str) -> _T:
    """Return what comes of reading Parquet, which refuses an answer that was cut short."""
    for _ in range(_READ_TRIES):
        try:
            return read()
        except pa.ArrowInvalid as error:
            refusal = error
    raise LakeUnreachable(f"{target}: came damaged {_READ_TRIES} times ({refusal}); run it again")


def within(column: str, start: datetime, end: datetime) -> BooleanExpression:
    """Return the filter for rows whose timestamp lies from ``start`` to just before ``end``."""
    return And(
        GreaterThanOrEqual(term=column, value=start.astimezone(UTC).replace(tzinfo=None).isoformat()),
        LessThan(term=column, value=end.astimezone(UTC).replace(tzinfo=None).isoformat()),
    )


def bases_of(files: dict[Period, list[DataFile]]) -> tuple[PartitionBase, ...]:
    """Return what publishing later compares with: the files each partition consists of."""
    return tuple(
        PartitionBase(
            partition=period.key,
            files=tuple(sorted(file.file_path for file in group)),
            rows=sum(file.record_count for file in group),
        )
        for period, group in files.items()
    )


class StaleBase(CommitConflict):
    """Another run changed a partition after the stage was built on it: build it again."""


def replace_partitions(
    table: Table, stage: TableStage, column: str, grain: Grain, properties: dict[str, str]
) -> Snapshot | None:
    """Make staged files the contents of their partitions, in one commit.

    Returns
    -------
    Snapshot
        The snapshot that the commit made; None if there was nothing to change.

    Raises
    ------
    StaleBase
        If a partition no longer is what the stage was built on.
    CommitConflict
        If other writers kept winning.
    """
    added: list[DataFile] | None = None
    for attempt in range(_COMMIT_ATTEMPTS):
        table.refresh()
        if (landed := _landed(table, properties[COMMIT_PROPERTY])) is not None:
            return landed
        current = partition_files(table, column, (Period.parse(p, grain) for p in stage.partitions))
        if bases_of(current) != stage.bases:
            raise StaleBase(f"{'.'.join(table.name())}: {', '.join(stage.partitions)} changed since staging")
        removed = [file for group in current.values() for file in group]
        if not removed and not stage.files:
            return None
        if added is None:
            added = [_data_file(table, file.uri) for file in stage.files]
        try:
            _commit(table, removed, added, properties)
        except (CommitFailedException, ValidationException):
            time.sleep(random.uniform(0, min(_MAX_BACKOFF_S, _BACKOFF_S * 2**attempt)))  # noqa: S311 (jitter)
            continue
        return table.current_snapshot()
    raise CommitConflict(
        f"{'.'.join(table.name())}: lost the commit {_COMMIT_ATTEMPTS} times to other writers; run it again"
    )


def _data_file(table: Table, address: str) -> DataFile:
    return _whole(lambda: parquet_file_to_data_file(table.io, table.metadata, address), address)


def _commit(
    table: Table, removed: Iterable[DataFile], added: Iterable[DataFile], properties: dict[str, str]
) -> None:
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=properties).overwrite() as overwrite,
    ):
        for file in removed:
            overwrite.delete_data_file(file)
        for file in added:
            overwrite.append_data_file(file)


def restore(table: Table, target: Snapshot | None, properties: dict[str, str]) -> Snapshot:
    """Give the table the files of an earlier snapshot, in a commit of its own.

    Raises
    ------
    StaleBase
        If the table has changed since it was loaded.
    """
    current = table.current_snapshot()
    now = {} if current is None else _files_of(table, current)
    then = {} if target is None else _files_of(table, target)
    removed = [file for path, file in now.items() if path not in then]
    added = [file for path, file in then.items() if path not in now]
    try:
        _commit(table, removed, added, properties)
    except (CommitFailedException, ValidationException) as error:
        raise StaleBase(f"{'.'.join(table.name())} changed meanwhile") from error
    made = table.current_snapshot()
    if made is None:
        raise AssertionError(f"{'.'.join(table.name())} has no snapshot after a commit")
    return made


def mark(table: Table, properties: dict[str, str]) -> Snapshot:
    """Give the table's history a commit that changes no rows.

    Raises
    ------
    CommitConflict
        If other writers kept winning.
    """
    for _ in range(_COMMIT_ATTEMPTS):
        table.refresh()
        current = table.current_snapshot()
        try:
            return restore(table, current, properties)
        except StaleBase:
            continue
    raise CommitConflict(f"{'.'.join(table.name())}: other writers kept winning; run it again")


def _files_of(table: Table, snapshot: Snapshot) -> dict[str, DataFile]:
    tasks = table.scan(snapshot_id=snapshot.snapshot_id).plan_files()
    return {task.file.file_path: task.file for task in tasks}


def _landed(table: Table, run_id: str) -> Snapshot | None:
    """Return the snapshot of a commit whose answer was lost on the way, unless a rollback took it back."""
    standing: float = math.inf
    for snapshot in reversed(table.metadata.snapshots[-_COMMIT_ATTEMPTS:]):
        properties = snapshot.summary.additional_properties if snapshot.summary else {}
        standing = min(standing, float(properties.get(ROLLBACK_PROPERTY, math.inf)))
        if properties.get(COMMIT_PROPERTY) == run_id:
            return snapshot if (snapshot.sequence_number or 0) <= standing else None
    return None


def append(table: Table, rows: pa.Table) -> None:
    """Add rows to a table that is only ever added to.

    Raises
    ------
    CommitConflict
        If other writers kept winning.
    """
    try:
        table.append(rows)
    except CommitFailedException as error:
        raise CommitConflict(f"{'.'.join(table.name())}: other writers kept winning; run it again") from error
