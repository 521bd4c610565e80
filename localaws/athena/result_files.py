"""Result files as Athena writes them, and reading them back for GetQueryResults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from localaws.athena.sql.catalog import OutputColumn
from localaws.athena.sql.types import Type, result_name
from localaws.athena.text import formatter

if TYPE_CHECKING:
    from localaws.athena.engine import Rows

ColumnInfo = dict[str, Any]
_CELL: Final = re.compile(rb'"((?:[^"]|"")*)"|([^,\n"]*)')
_PRECISIONS: Final = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "real": 17,
    "double": 17,
    "varchar": 2**31 - 1,
    "json": 2**31 - 1,
    "varbinary": 2**30 - 1,
}


def csv_of(rows: Rows) -> tuple[bytes, int]:
    """Return a result as Athena's CSV, and its number of rows: all quoted, NULL as nothing, LF."""
    out = bytearray(csv_line([column.name for column in rows.columns]))
    writers = [formatter(column.type) for column in rows.columns]
    count = 0
    for batch in rows.batches:
        count += batch.num_rows
        columns = [
            [None if value is None else write(value) for value in column.to_pylist(maps_as_pydicts=None)]
            for write, column in zip(writers, batch.columns, strict=True)
        ]
        for row in zip(*columns, strict=True):
            out += csv_line(row)
    return bytes(out), count


def csv_line(values: Sequence[str | None]) -> bytes:
    """Return one line of a result CSV."""
    cells = ("" if value is None else '"' + value.replace('"', '""') + '"' for value in values)
    return (",".join(cells) + "\n").encode()


def read_csv(body: bytes) -> Iterator[list[str | None]]:
    """Yield the rows of a result CSV; NULL and the empty string stay apart."""
    at, row = 0, []
    while at < len(body):
        match = _CELL.match(body, at)
        if match is None:
            raise ValueError(f"the result file is damaged at byte {at}")
        quoted, bare = match.groups()
        row.append(quoted.decode().replace('""', '"') if quoted is not None else (bare.decode() or None))
        at = match.end() + 1
        if body[match.end() : match.end() + 1] in (b"\n", b""):
            yield row
            row = []


def column_info(column: OutputColumn) -> ColumnInfo:
    """Return a column as ResultSetMetadata has it."""
    type_ = column.type
    precision, scale = _precision(type_)
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": "float" if type_.name == "real" else result_name(type_),
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": type_.name in ("varchar", "char", "json"),
    }


def _precision(type_: Type) -> tuple[int, int]:
    if type_.name == "decimal":
        return type_.params[0], type_.params[1]
    if type_.name in ("varchar", "char") and type_.params:
        return type_.params[0], 0
    if type_.name in ("timestamp", "timestamptz"):
        return max(3, type_.params[0]), 0
    return _PRECISIONS.get(type_.name, 0), 0


def metadata_of(columns: Sequence[ColumnInfo]) -> bytes:
    """Return the column descriptions in protocol buffers, for the ``.metadata`` object."""
    return b"".join(_message(4, _column(column)) for column in columns)


def _column(column: ColumnInfo) -> bytes:
    texts = ("CatalogName", "SchemaName", "TableName", "Name", "Label", "Type")
    head = b"".join(_message(i, column[name].encode()) for i, name in enumerate(texts, 1))
    numbers = ((7, column["Precision"]), (8, column["Scale"]), (9, 3), (10, int(column["CaseSensitive"])))
    return head + b"".join(_varint(number << 3) + _varint(value) for number, value in numbers)


def _message(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
