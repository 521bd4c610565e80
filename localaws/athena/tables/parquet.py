"""Parquet files: which row groups a query needs, how many bytes they are, and DuckDB's text to read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.athena.failure import QueryError
from localaws.athena.sql.types import duckdb_type, literal, quote
from localaws.athena.tables.binding import BindSession, Comparison
from localaws.athena.tables.columns import Field, find_source, reading


@dataclass(frozen=True)
class ParquetFile:
    """A data file of a table.

    Parameters
    ----------
    path, uri
        Where it lies on this machine and in S3.
    version
        What changes when its content does; its ETag or its size.
    constants
        Values that hold for each of its rows, as DuckDB expressions by column.
    """

    path: Path
    uri: str
    version: str
    constants: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=4096)
def _footer(path: str, version: str) -> pq.FileMetaData:
    return pq.read_metadata(path)


def footer(file: ParquetFile) -> pq.FileMetaData:
    """Return a file's footer."""
    try:
        return _footer(str(file.path), file.version)
    except (pa.ArrowInvalid, OSError) as error:
        raise QueryError("HIVE_CANNOT_OPEN_SPLIT", f"{file.uri} is not a Parquet file: {error}") from error


@dataclass(frozen=True)
class Reading:
    """What to read of a table's files.

    Parameters
    ----------
    fields
        The declared columns that the query reads from the files.
    constants
        Columns whose value is the same for a whole file, with their fields.
    comparisons
        What every wanted row fulfils.
    unread
        Columns that the query passes on and drops; they are NULL instead of being read.
    """

    fields: Sequence[Field]
    constants: Sequence[Field]
    comparisons: Sequence[Comparison]
    unread: Sequence[Field] = ()

    def unread_texts(self) -> list[str]:
        """Return the select items of the columns that are not read."""
        return [null_column(field) for field in self.unread]


def null_column(field: Field) -> str:
    """Return the select item of a column without values."""
    return f"CAST(NULL AS {duckdb_type(field.type)}) AS {quote(field.name)}"


def bind_files(relation: str, files: Sequence[ParquetFile], wanted: Reading, session: BindSession) -> None:
    """Make files readable under a name; those whose statistics exclude every row are left out."""
    groups: dict[tuple[str, ...], list[ParquetFile]] = {}
    for file in files:
        meta = footer(file)
        schema = meta.schema.to_arrow_schema()
        sources = {field.name: find_source(field, schema) for field in wanted.fields}
        kept = [
            i
            for i in range(meta.num_row_groups)
            if _may_match(meta.row_group(i), sources, wanted.comparisons)
        ]
        if not kept:
            continue
        session.bytes_scanned += _bytes_of(meta, kept, {s.name for s in sources.values() if s is not None})
        groups.setdefault(_expressions(file, wanted.fields, sources), []).append(file)
    selects = [_select(list(texts), group, wanted) for texts, group in groups.items()]
    session.view(relation, " UNION ALL ".join(selects) or _nothing(wanted))


def _expressions(
    file: ParquetFile, fields: Sequence[Field], sources: dict[str, pa.Field | None]
) -> tuple[str, ...]:
    texts = []
    for field in fields:
        source = sources[field.name]
        try:
            text = reading(field, source, quote(source.name) if source is not None else "NULL")
        except QueryError as error:
            raise QueryError(error.code, f"{error.message} ({file.uri})") from error
        texts.append(f"{text} AS {quote(field.name)}")
    return tuple(texts)


def _select(texts: list[str], files: Sequence[ParquetFile], wanted: Reading) -> str:
    for field in wanted.constants:
        values = [dict(file.constants)[field.name] for file in files]
        if len(set(values)) == 1:
            value = f"CAST({values[0]} AS {duckdb_type(field.type)})"
        else:
            listed = f"CAST([{', '.join(values)}] AS {duckdb_type(field.type)}[])"
            value = f"({listed})[CAST(file_index AS BIGINT) + 1]"
        texts.append(f"{value} AS {quote(field.name)}")
    paths = ", ".join(literal(str(file.path)) for file in files)
    listed = ", ".join([*texts, *wanted.unread_texts()]) or "1 AS no_column"
    return f"SELECT {listed} FROM read_parquet([{paths}])"  # noqa: S608 - made of quoted names and compiled text


def _nothing(wanted: Reading) -> str:
    fields = [*wanted.fields, *wanted.constants, *wanted.unread]
    listed = ", ".join(map(null_column, fields))
    return f"SELECT {listed or '1 AS no_column'} WHERE false"


def _bytes_of(meta: pq.FileMetaData, row_groups: Sequence[int], names: set[str]) -> int:
    chunks = (meta.row_group(i).column(j) for i in row_groups for j in range(meta.num_columns))
    return sum(chunk.total_compressed_size for chunk in chunks if _top_level(chunk.path_in_schema, names))


def _top_level(path: str, names: set[str]) -> bool:
    return path in names or any(path.startswith(f"{name}.") for name in names)


def _may_match(
    group: pq.RowGroupMetaData, sources: dict[str, pa.Field | None], comparisons: Sequence[Comparison]
) -> bool:
    chunks = {group.column(j).path_in_schema: group.column(j) for j in range(group.num_columns)}
    for name, operator, values in comparisons:
        source = sources.get(name)
        chunk = chunks.get(source.name) if source is not None else None
        if chunk is not None and not _chunk_may_match(chunk, operator, values):
            return False
    return True


def _chunk_may_match(chunk: pq.ColumnChunkMetaData, operator: str, values: Sequence[Any]) -> bool:
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return True
    low, high = statistics.min, statistics.max
    try:
        return any(_overlaps(low, high, operator, value) for value in values if value is not None)
    except TypeError:
        # the file stores another type than the table declares
        return True


def _overlaps(low: Any, high: Any, operator: str, value: Any) -> bool:
    match operator:
        case "<":
            return bool(low < value)
        case "<=":
            return bool(low <= value)
        case ">":
            return bool(high > value)
        case ">=":
            return bool(high >= value)
        case _:
            return bool(low <= value <= high)
