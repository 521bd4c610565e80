"""Writing Iceberg tables: created, appended to and changed through pyiceberg and the Glue catalog."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.io.pyarrow import _pyarrow_to_schema_without_ids
from pyiceberg.schema import assign_fresh_schema_ids
from pyiceberg.table import Table
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)

from localaws.athena.engine import Rows
from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql.catalog import OutputColumn
from localaws.athena.sql.types import Type
from localaws.athena.tables.spooled import arrow_type

if TYPE_CHECKING:
    from localaws.athena.statements.statement import Environment

_TRANSFORM: Final = re.compile(r'^(?:(\w+)\(\s*(.*?)\s*\)|"?([\w ]+)"?)$')
_TIMES: Final[dict[str, type[Transform[Any, Any]]]] = {
    "year": YearTransform,
    "month": MonthTransform,
    "day": DayTransform,
    "hour": HourTransform,
}


class IcebergWriter:
    """Writes one table.

    Parameters
    ----------
    environment
        The statement's environment.
    database, table
        Where the table is, or will be.
    """

    def __init__(self, environment: Environment, database: str, table: str) -> None:
        properties = {
            "glue.endpoint": environment.endpoint_url,
            "glue.region": environment.region,
            "glue.access-key-id": environment.account_id,
            "glue.secret-access-key": "local",
            "s3.endpoint": environment.endpoint_url,
            "s3.region": environment.region,
            "s3.access-key-id": environment.account_id,
            "s3.secret-access-key": "local",
        }
        self._catalog: Catalog = load_catalog("localaws", type="glue", **properties)
        self._identifier = (database, table)

    def create(
        self,
        columns: Sequence[OutputColumn],
        location: str,
        transforms: Sequence[str],
        properties: dict[str, str],
    ) -> Table:
        """Make an empty table."""
        schema = assign_fresh_schema_ids(_pyarrow_to_schema_without_ids(iceberg_arrow_schema(columns)))
        table = self._catalog.create_table(
            self._identifier,
            schema,
            location=location.rstrip("/"),
            properties={"format-version": "2", **properties},
        )
        if transforms:
            self._partition(table, transforms)
            table = self._catalog.load_table(self._identifier)
        return table

    def load(self) -> Table:
        """Open the table."""
        return self._catalog.load_table(self._identifier)

    def drop(self) -> None:
        """Take the table out of the catalog."""
        self._catalog.drop_table(self._identifier)

    def append(self, table: Table, rows: Rows, names: Sequence[str]) -> int:
        """Append a query's rows, whose columns are those named; others are NULL."""
        target = table.schema().as_arrow()
        columns = {name: i for i, name in enumerate(names)}
        batches = list(rows.batches)
        count = sum(batch.num_rows for batch in batches)
        arrays = []
        for field in target:
            position = columns.get(field.name.lower())
            if position is None:
                arrays.append(pa.nulls(count, field.type))
                continue
            chunks = [_storable(batch.column(position), field.type) for batch in batches]
            arrays.append(pa.chunked_array(chunks, field.type))
        if count:
            table.append(pa.Table.from_arrays(arrays, schema=target))
        return int(count)

    def _partition(self, table: Table, transforms: Sequence[str]) -> None:
        with table.update_spec() as update:
            for text in transforms:
                column, transform = read_transform(text)
                update.add_field(column, transform)


def _storable(values: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type_) and type_.tz is not None and pa.types.is_struct(values.type):
        values = values.field("utc").cast(pa.timestamp("us")).cast(type_)
    return values.cast(type_)


def iceberg_arrow_schema(columns: Sequence[OutputColumn]) -> pa.Schema:
    """Return the Arrow schema that Iceberg makes its own of."""
    return pa.schema([pa.field(column.name, _arrow(column.type)) for column in columns])


def _arrow(type_: Type) -> pa.DataType:
    match type_.name:
        case "timestamptz":
            return pa.timestamp("us", "UTC")
        case "time":
            return pa.time64("us")
        case "tinyint" | "smallint":
            return pa.int32()
        case "array":
            return pa.list_(_arrow(type_.args[0]))
        case "map":
            return pa.map_(_arrow(type_.args[0]), _arrow(type_.args[1]))
        case "row":
            return pa.struct([(n, _arrow(arg)) for n, arg in zip(type_.fields, type_.args, strict=True)])
        case _:
            return arrow_type(type_)


def read_transform(text: str) -> tuple[str, Transform[Any, Any]]:
    """Read ``day(ts)``, ``bucket(16, id)``, ``bucket(id, 16)``, ``truncate(10, x)`` or a column."""
    match = _TRANSFORM.match(text.strip())
    if match is None:
        raise NotSupportedError(f"partition transform {text}")
    name, arguments, column = match.groups()
    if column is not None:
        return column.lower(), IdentityTransform()
    parts = [part.strip().strip('"`').lower() for part in arguments.split(",")]
    if len(parts) == 1 and name.lower().removesuffix("s") in _TIMES:
        return parts[0], _TIMES[name.lower().removesuffix("s")]()
    if len(parts) == 2 and name.lower() in ("bucket", "truncate"):
        number, other = (parts[0], parts[1]) if parts[0].isdigit() else (parts[1], parts[0])
        if number.isdigit():
            kinds: dict[str, type[Transform[Any, Any]]] = {
                "bucket": BucketTransform,
                "truncate": TruncateTransform,
            }
            return other, kinds[name.lower()](int(number))
    raise NotSupportedError(f"partition transform {text}")


def check_created_types(columns: Sequence[OutputColumn]) -> None:
    """Fail for columns that Athena cannot create in an Iceberg table."""
    for column in columns:
        if column.type.name in ("timestamp", "timestamptz") and column.type.params[0] != 6:
            precision = column.type.params[0]
            raise QueryError(
                "NOT_SUPPORTED",
                f"Timestamp precision ({precision}) not supported for Iceberg. Use "
                f'"timestamp(6){" with time zone" if column.type.name == "timestamptz" else ""}" instead.',
            )
