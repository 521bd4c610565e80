"""Record format conversion: JSON records into one Parquet file with the columns of a Glue table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.athena.failure import QueryError
from localaws.athena.sql.type_text import parse_type
from localaws.athena.sql.types import Type
from localaws.athena.tables.json_rows import convert_json
from localaws.athena.tables.spooled import arrow_type
from localaws.firehose import timestamps
from localaws.firehose.conversion import LATEST, Conversion, JsonSerDe, TableReference
from localaws.firehose.items import CONVERSION, Failure, Item
from localaws.service import AwsError, Payload

GlueCall = Callable[..., Payload]
"""Runs an operation of the Glue catalog, by its name and members."""

_MALFORMED = "DataFormatConversion.MalformedData"
_PARSE = "DataFormatConversion.ParseError"
# Whole years of those that nanoseconds since 1970 reach.
_FIRST_YEAR, _LAST_YEAR = 1678, 2261
_WHITESPACE = " \t\r\n"
_DECODER = json.JSONDecoder(parse_float=Decimal)


@dataclass(frozen=True)
class Column:
    """A column of the table."""

    name: str
    type: Type


class ParquetConverter:
    """Converts the records of a stream.

    Parameters
    ----------
    conversion
        What the stream says of it.
    glue
        Runs operations of the Glue catalog.

    Raises
    ------
    AwsError
        ``DataFormatConversion.EntityNotFound`` when the table is not there, and
        ``DataFormatConversion.InvalidSchema`` when it has a column of a type that JSON cannot give.
    """

    def __init__(self, conversion: Conversion, glue: GlueCall) -> None:
        self._conversion = conversion
        self._columns = _columns(conversion.table, glue)

    def convert(self, items: Iterable[Item]) -> tuple[bytes, list[Failure]]:
        """Return a Parquet file of the rows, empty when there are none, and what could not be converted."""
        converted: list[tuple[Item, list[list[Any]]]] = []
        failures: list[Failure] = []
        for item in items:
            try:
                converted.append((item, self._rows(item.data)))
            except _RefusedError as error:
                failures.append(self._failure(item, error))
        try:
            table = self._table([row for _, rows in converted for row in rows])
        except (ValueError, TypeError):
            table, unfit = self._table_of_fitting(converted)
            failures += unfit
        return (self._file(table) if table.num_rows else b""), failures

    def _table_of_fitting(
        self, converted: list[tuple[Item, list[list[Any]]]]
    ) -> tuple[pa.Table, list[Failure]]:
        """Return the rows that fit into their columns, found one record after the other, and the others."""
        fitting: list[list[Any]] = []
        failures: list[Failure] = []
        for item, rows in converted:
            try:
                self._table(rows)
                fitting += rows
            except (ValueError, TypeError) as error:
                refused = _RefusedError(_MALFORMED, f"Data does not match the schema. {error}")
                failures.append(self._failure(item, refused))
        return self._table(fitting), failures

    def _rows(self, data: bytes) -> list[list[Any]]:
        """Return the rows of a record, all or none."""
        rows = []
        for value in _values(data):
            if not isinstance(value, dict):
                raise _RefusedError(_MALFORMED, "Data does not match the schema. Data is not JSONObject")
            cells = _cells(value, self._conversion.serde)
            rows.append([self._cell(column, cells) for column in self._columns])
        return rows

    def _cell(self, column: Column, cells: Mapping[str, Any]) -> Any:
        serde = self._conversion.serde
        key = (serde.keys or {}).get(column.name, column.name)
        value = cells.get(key.lower() if serde.is_case_insensitive else key)
        try:
            return convert_json(_with_times(value, column.type, serde), column.type)
        except (ValueError, TypeError, InvalidOperation) as error:
            message = f"Data does not match the schema. {column.name}: {error}"
            raise _RefusedError(_MALFORMED, message) from error

    def _table(self, rows: list[list[Any]]) -> pa.Table:
        schema = pa.schema([(column.name, arrow_type(column.type)) for column in self._columns])
        cells = zip(*rows, strict=True) if rows else ([] for _ in schema)
        arrays = [pa.array(list(values), field.type) for values, field in zip(cells, schema, strict=True)]
        return pa.table(arrays, schema=schema)

    def _file(self, table: pa.Table) -> bytes:
        options, buffer = self._conversion.parquet, io.BytesIO()
        pq.write_table(
            table,
            buffer,
            compression=options.compression,
            data_page_size=options.page_bytes,
            use_dictionary=options.uses_dictionary,
            data_page_version=options.page_version,
            # Hive's Parquet writer, which Firehose uses, knows no other.
            use_deprecated_int96_timestamps=True,
        )
        return buffer.getvalue()

    def _failure(self, item: Item, error: _RefusedError) -> Failure:
        table = asdict(self._conversion.table)
        details = {
            "sequenceNumber": None,
            "subSequenceNumber": None,
            "dataCatalogTable": {
                "catalogId": table["catalog_id"],
                "databaseName": table["database"],
                "tableName": table["table"],
                "region": table["region"],
                "versionId": table["version"],
                "catalogArn": None,
            },
        }
        return Failure(item.source, error.code, str(error), kind=CONVERSION, details=details)


class _RefusedError(Exception):
    """A record that is not converted: AWS's code for it, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _columns(reference: TableReference, glue: GlueCall) -> list[Column]:
    names = {"DatabaseName": reference.database}
    try:
        if reference.version == LATEST:
            table = glue("GetTable", **names, Name=reference.table)["Table"]
        else:
            version = {"TableName": reference.table, "VersionId": reference.version}
            table = glue("GetTableVersion", **names, **version)["TableVersion"]["Table"]
    except AwsError as error:
        message = f"the table {reference.database}.{reference.table}: {error.message}"
        raise AwsError("DataFormatConversion.EntityNotFound", message) from error
    try:
        declared = table.get("StorageDescriptor", {}).get("Columns", [])
        columns = [Column(each["Name"].lower(), parse_type(each["Type"])) for each in declared]
        for column in columns:
            arrow_type(column.type)
    except QueryError as error:
        raise AwsError("DataFormatConversion.InvalidSchema", f"{reference.table}: {error}") from error
    if not columns:
        raise AwsError("DataFormatConversion.InvalidSchema", f"{reference.table} has no columns")
    return columns


def _values(data: bytes) -> Iterator[Any]:
    try:
        text = data.decode().strip(_WHITESPACE)
    except UnicodeDecodeError as error:
        raise _RefusedError(_PARSE, f"The record is not UTF-8: {error}") from error
    if not text:
        raise _RefusedError(_MALFORMED, "The record was empty or contained only whitespace.")
    position = 0
    while position < len(text):
        if text[position] in _WHITESPACE:
            position += 1
            continue
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise _RefusedError(_PARSE, f"Encountered malformed JSON. {error}") from error
        yield value


def _cells(value: Mapping[str, Any], serde: JsonSerDe) -> dict[str, Any]:
    cells = dict(value)
    if serde.has_dots_for_underscores:
        cells = {key.replace(".", "_"): cell for key, cell in cells.items()}
    return {key.lower(): cell for key, cell in cells.items()} if serde.is_case_insensitive else cells


def _with_times(value: Any, type_: Type, serde: JsonSerDe) -> Any:
    """Write the timestamps of a value the one way in which they are read for all tables."""
    if value is None:
        return None
    if type_.name == "timestamp":
        formats = serde.timestamp_formats
        moment = timestamps.openx(value) if formats is None else timestamps.hive(value, formats)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError(f"{moment.isoformat()} is no time that INT96 holds")
        return moment.isoformat()
    if type_.name == "array" and isinstance(value, list):
        return [_with_times(each, type_.args[0], serde) for each in value]
    if type_.name == "map" and isinstance(value, dict):
        return {key: _with_times(each, type_.args[1], serde) for key, each in value.items()}
    if type_.name == "row" and isinstance(value, dict):
        types = dict(zip(type_.fields, type_.args, strict=True))
        return {
            key: _with_times(each, types[key.lower()], serde) if key.lower() in types else each
            for key, each in value.items()
        }
    return value
