"""Bringing a table's schema to what its declaration says, if nothing is lost by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from pyiceberg.table import Table
from pyiceberg.types import (
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StructType,
)

from firelake import iceberg
from firelake.errors import FirelakeError
from firelake.spec.types import ColumnType

_WIDER = {(IntegerType(), LongType()), (FloatType(), DoubleType())}


@dataclass(frozen=True)
class Evolution:
    """What has to change in a table.

    Parameters
    ----------
    added
        Name, type and comment of new columns, in order.
    renamed
        New names by old ones.
    widened
        New types by name, after renaming.
    described
        New comments by name, after renaming.
    """

    added: tuple[tuple[str, IcebergType, str], ...]
    renamed: Mapping[str, str]
    widened: Mapping[str, IcebergType]
    described: Mapping[str, str]

    def __bool__(self) -> bool:
        """Tell whether anything but comments has to change."""
        return bool(self.added or self.renamed or self.widened)

    def apply(self, table: Table) -> None:
        """Change the table, in one commit."""
        if not self and not self.described:
            return
        with table.update_schema() as update:
            for old, new in self.renamed.items():
                update.rename_column(old, new)
        with table.update_schema() as update:
            for name, kind in self.widened.items():
                update.update_column(name, field_type=kind)
            for name, comment in self.described.items():
                update.update_column(name, doc=comment)
            for name, kind, comment in self.added:
                update.add_column(name, kind, doc=comment or None)


def evolution(
    table: Table, columns: Sequence[tuple[str, ColumnType, str]], renamed_from: Mapping[str, str]
) -> Evolution:
    """Find what has to change for a table to have these columns.

    Parameters
    ----------
    renamed_from
        Former names of columns, by name.

    Raises
    ------
    FirelakeError
        If a column is missing from the declaration, or its type could not be kept without loss; the
        message names every one.
    """
    present = {field.name: field for field in table.schema().fields}
    fields: dict[str, NestedField] = {}
    renamed: dict[str, str] = {}
    for name, _, _ in columns:
        former = renamed_from.get(name)
        if name in present:
            fields[name] = present[name]
        elif former in present:
            fields[name] = present[former]
            renamed[former] = name
    wanted = {name: iceberg.iceberg_type(kind, count(1)) for name, kind, _ in columns}
    changed = {
        name: kind for name, kind in wanted.items() if name in fields and not _same(fields[name], kind)
    }
    _refuse(table, present.keys() - fields.keys() - renamed.keys(), fields, changed)
    return Evolution(
        added=tuple((name, wanted[name], comment) for name, _, comment in columns if name not in fields),
        renamed=renamed,
        widened=changed,
        described={
            name: comment
            for name, _, comment in columns
            if name in fields and comment != (fields[name].doc or "")
        },
    )


def _refuse(
    table: Table, left_out: set[str], fields: Mapping[str, NestedField], changed: Mapping[str, IcebergType]
) -> None:
    problems = [
        f"column {name!r} is in the table but not declared; declare it, or say which column was "
        f"renamed_from: {name}"
        for name in sorted(left_out)
    ]
    problems += [
        f"column {name!r} is {fields[name].field_type} and cannot become {kind} without loss; declare a "
        "new column"
        for name, kind in changed.items()
        if not _is_wider(fields[name].field_type, kind)
    ]
    if problems:
        raise FirelakeError(f"table {'.'.join(table.name())}: {'; '.join(problems)}")


def _same(field: NestedField, kind: IcebergType) -> bool:
    return _shape(field.field_type) == _shape(kind)


def _shape(kind: IcebergType) -> object:
    """Return a type without the ids of its parts."""
    match kind:
        case ListType():
            return "list", _shape(kind.element_type)
        case MapType():
            return "map", _shape(kind.key_type), _shape(kind.value_type)
        case StructType(fields=fields):
            return "struct", tuple((field.name, _shape(field.field_type)) for field in fields)
        case _:
            return kind


def _is_wider(old: IcebergType, new: IcebergType) -> bool:
    if isinstance(old, DecimalType) and isinstance(new, DecimalType):
        return new.scale == old.scale and new.precision >= old.precision
    return (old, new) in _WIDER
