"""Iceberg tables: files from pyiceberg's scan planning, columns by field id, time travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from pyiceberg.exceptions import ValidationError
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
)
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.catalog import TableColumn, TableScan, Version
from localaws.athena.sql.type_text import parse_type
from localaws.athena.sql.types import Type, literal
from localaws.athena.tables.binding import BindSession, Comparison
from localaws.athena.tables.columns import Field, field_of
from localaws.athena.tables.parquet import ParquetFile, Reading, bind_files

_PATH: Final = TableColumn("$path", t.VARCHAR, hidden=True)
_COMPARE: Final[dict[str, Any]] = {
    "=": EqualTo,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}
FILE_IO: Final = "localaws.athena.tables.lake_io.LakeFileIO"


def load(metadata_location: str, account_id: str) -> StaticTable:
    """Open a table at one state of its metadata."""
    properties = {"py-io-impl": FILE_IO, "lake.account-id": account_id}
    try:
        return StaticTable.from_metadata(metadata_location, properties)
    except (OSError, ValidationError, ValueError) as error:
        raise QueryError("ICEBERG_INVALID_METADATA", f"Error reading {metadata_location}: {error}") from error


@dataclass(frozen=True, eq=False)
class IcebergTable:
    """An Iceberg table at one of its snapshots.

    Parameters
    ----------
    table
        pyiceberg's table.
    snapshot
        The snapshot to read; ``None`` for a table that has none.
    travelled
        Whether the query asked for the snapshot, which then decides the schema, too.
    """

    table: StaticTable
    snapshot: Snapshot | None
    travelled: bool = False

    @cached_property
    def schema(self) -> Schema:
        """The schema that the query sees."""
        if self.travelled and self.snapshot is not None and self.snapshot.schema_id is not None:
            return self.table.schemas()[self.snapshot.schema_id]
        return self.table.schema()

    @cached_property
    def fields(self) -> list[Field]:
        """The columns with their field ids."""
        return [_field(field) for field in self.schema.fields]

    @property
    def columns(self) -> Sequence[TableColumn]:
        """All columns, ``$path`` hidden at the end."""
        return [*(TableColumn(field.name, field.type) for field in self.fields), _PATH]

    def bind(self, scan: TableScan, session: BindSession) -> None:
        """Make the snapshot's rows readable."""
        comparisons = session.comparisons(scan.predicates)
        wanted = Reading(
            [field for field in self.fields if field.name in scan.used],
            [field_of("$path", t.VARCHAR)] if "$path" in scan.used else [],
            comparisons,
            [field for field in self.fields if field.name not in scan.used],
        )
        bind_files(scan.relation, self._files(comparisons, session), wanted, session)

    def _files(self, comparisons: list[Comparison], session: BindSession) -> list[ParquetFile]:
        if self.snapshot is None:
            return []
        plan = self.table.scan(
            row_filter=self._filter(comparisons), case_sensitive=False, snapshot_id=self.snapshot.snapshot_id
        )
        files = []
        for task in plan.plan_files():
            file = task.file
            if task.delete_files:
                raise NotSupportedError(f"Iceberg row-level delete files ({file.file_path})")
            if file.file_format.value != "PARQUET":
                raise NotSupportedError(f"Iceberg data files in {file.file_format.value}")
            constants = (("$path", literal(file.file_path)),)
            path = session.lake.path(file.file_path)
            files.append(ParquetFile(path, file.file_path, str(file.file_size_in_bytes), constants))
        return sorted(files, key=lambda file: file.uri)

    def _filter(self, comparisons: list[Comparison]) -> BooleanExpression:
        terms = [term for c in comparisons if (term := self._term(*c)) is not None]
        return And(AlwaysTrue(), AlwaysTrue(), *terms) if terms else AlwaysTrue()

    def _term(self, column: str, operator: str, values: tuple[Any, ...]) -> BooleanExpression | None:
        known = [value for value in values if value is not None]
        field = next((f for f in self.fields if f.name == column), None)
        if field is None or not known or field.type.name in ("timestamptz", "varbinary", "uuid", "time"):
            return None
        if any(not _fits(value, field.type) for value in known):
            return None
        literals = [value.isoformat() if isinstance(value, datetime) else value for value in known]
        name = self.schema.find_column_name(field.id or 0) or column
        if operator == "in":
            return In(term=name, literals=literals)
        made: BooleanExpression = _COMPARE[operator](name, literals[0])
        return made


_PYTHON: Final[dict[str, tuple[str, ...]]] = {
    "int": (*t.INTEGERS, "real", "double"),
    "float": ("double",),
    "str": ("varchar",),
    "bool": ("boolean",),
    "date": ("date",),
    "datetime": ("timestamp",),
}


def _fits(value: Any, type_: Type) -> bool:
    return type_.name in _PYTHON.get(type(value).__name__, ())


def _field(field: NestedField) -> Field:
    type_ = trino_type(field.field_type)
    return Field(field.name.lower(), type_, field.field_id, tuple(map(_field, _children(field.field_type))))


def _children(type_: IcebergType) -> list[NestedField]:
    match type_:
        case StructType():
            return list(type_.fields)
        case ListType():
            return [type_.element_field]
        case MapType():
            return [type_.key_field, type_.value_field]
        case _:
            return []


_PRIMITIVES: Final = {
    "timestamp": t.timestamp(6),
    "timestamptz": t.timestamptz(6),
    "float": t.REAL,
    "long": t.BIGINT,
    "int": t.INTEGER,
    "string": t.VARCHAR,
    "binary": t.VARBINARY,
    "time": t.TIME,
}


def trino_type(type_: IcebergType) -> Type:
    """Return the Trino type of an Iceberg type."""
    match type_:
        case StructType():
            return t.row((field.name.lower(), trino_type(field.field_type)) for field in type_.fields)
        case ListType():
            return t.array(trino_type(type_.element_type))
        case MapType():
            return t.map_of(trino_type(type_.key_type), trino_type(type_.value_type))
    text = str(type_)
    return t.VARBINARY if text.startswith("fixed") else _PRIMITIVES.get(text) or parse_type(text)


def snapshot_at(table: StaticTable, version: Version | None, value: Any) -> Snapshot | None:
    """Return the snapshot that a query asks for; without a version the current one."""
    if version is None:
        return table.current_snapshot()
    if version.kind == "VERSION":
        found = table.snapshot_by_id(value) if isinstance(value, int) else table.snapshot_by_name(str(value))
    else:
        found = table.snapshot_as_of_timestamp(int(value.replace(tzinfo=UTC).timestamp() * 1000))
    if found is None:
        what = (
            "Iceberg snapshot ID does not exists"
            if version.kind == "VERSION"
            else "No version history table at or before"
        )
        raise QueryError("INVALID_ARGUMENTS", f"{what}: {value}")
    return found
