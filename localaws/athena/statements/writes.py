"""CREATE TABLE AS and INSERT INTO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from localaws.athena.engine import Rows
from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.hive_types import hive_type
from localaws.athena.hive_writer import HiveWriter, WriteOptions, Written
from localaws.athena.iceberg_writer import IcebergWriter, check_created_types
from localaws.athena.sql import types as t
from localaws.athena.sql.catalog import OutputColumn
from localaws.athena.statements.names import TableName
from localaws.athena.statements.partitions import add_partitions, partition_input
from localaws.athena.statements.query import require_empty
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Outcome
from localaws.athena.statements.tables import FORMATS, Definition, glue_table
from localaws.athena.tables.glue_tables import is_iceberg
from localaws.athena.tables.hive import HiveTable
from localaws.athena.tables.iceberg import trino_type

_COMPRESSIONS = ("write_compression", "parquet_compression", "compression")


@dataclass(frozen=True)
class CreateTableAs:
    """``CREATE TABLE name WITH (...) AS query [WITH NO DATA]``."""

    name: TableName
    if_not_exists: bool
    properties: dict[str, Any]
    sql: str
    with_data: bool
    kind: ClassVar[Kind] = Kind("DDL", "CREATE_TABLE_AS_SELECT")

    def run(self, environment: Environment) -> Outcome:
        """Write the rows and make the table."""
        if self.name.find(environment) is not None:
            if self.if_not_exists:
                return Outcome(".txt")
            raise QueryError(
                "TABLE_ALREADY_EXISTS", f"Table '{self.name.qualified(environment)}' already exists"
            )
        sql = self.sql if self.with_data else f"SELECT * FROM ({self.sql}) LIMIT 0"  # noqa: S608 - made of quoted names and compiled text
        with environment.engine.run(environment.query(sql), environment.cancellation) as rows:
            kind = str(self.properties.get("table_type", "HIVE")).upper()
            if kind == "ICEBERG":
                return self._iceberg(environment, rows)
            if kind != "HIVE":
                raise QueryError("INVALID_PROPERTY_VALUE", f"table_type {kind} is neither HIVE nor ICEBERG")
            return self._hive(environment, rows)

    def _location(self, environment: Environment, key: str) -> str:
        given = self.properties.get(key)
        location = str(given or f"{environment.output}tables/{environment.execution_id}")
        return location if location.endswith("/") else f"{location}/"

    def _hive(self, environment: Environment, rows: Rows) -> Outcome:
        options = self._options(environment)
        require_empty(environment, options.location)
        writer = HiveWriter(options, rows.columns, environment.spool_dir, environment.now)
        count = writer.write(rows)
        written = writer.publish(environment.storage)
        input_format, output_format, serde = FORMATS[options.format]
        columns = [{"Name": c.name, "Type": hive_type(c.type)} for c in rows.columns]
        data = len(columns) - len(options.partitioned_by)
        definition = Definition(
            columns=columns[:data],
            partitions=columns[data:],
            input_format=input_format,
            output_format=output_format,
            serde=serde,
            location=options.location,
            properties={"classification": options.format.lower(), "has_encrypted_data": "false"},
        )
        table = glue_table(self.name.table, definition)
        database = self.name.database(environment)
        environment.glue.call("CreateTable", DatabaseName=database, TableInput=table)
        _register(environment, database, table, written)
        return _wrote(rows, count, written)

    def _options(self, environment: Environment) -> WriteOptions:
        known = {"format", "external_location", "partitioned_by", "table_type", "is_external", *_COMPRESSIONS}
        _refuse_unknown(self.properties, known)
        compression = next(
            (self.properties[name] for name in _COMPRESSIONS if name in self.properties), "GZIP"
        )
        keys = tuple(key.lower() for key in self.properties.get("partitioned_by", []))
        form = str(self.properties.get("format", "PARQUET")).upper()
        location = self._location(environment, "external_location")
        return WriteOptions(location, form, str(compression).upper(), keys)

    def _iceberg(self, environment: Environment, rows: Rows) -> Outcome:
        known = {"format", "location", "partitioning", "table_type", "is_external", *_COMPRESSIONS}
        _refuse_unknown(self.properties, known)
        if str(self.properties.get("format", "PARQUET")).upper() != "PARQUET":
            raise NotSupportedError(f"format {self.properties['format']} of an Iceberg table")
        check_created_types(rows.columns)
        location = self._location(environment, "location")
        require_empty(environment, location)
        writer = IcebergWriter(environment, self.name.database(environment), self.name.table)
        table = writer.create(rows.columns, location, self.properties.get("partitioning", []), {})
        try:
            count = writer.append(table, rows, [column.name for column in rows.columns])
        except BaseException:
            writer.drop()
            raise
        return Outcome("", rows=count, bytes_scanned=rows.bytes_scanned, manifest=(), is_update=True)


@dataclass(frozen=True)
class Insert:
    """``INSERT INTO name [(columns)] query``."""

    name: TableName
    columns: tuple[str, ...]
    sql: str
    kind: ClassVar[Kind] = Kind("DML", "INSERT")

    def run(self, environment: Environment) -> Outcome:
        """Append the rows."""
        described = self.name.find(environment)
        if described is None:
            raise QueryError("TABLE_NOT_FOUND", f"Table '{self.name.qualified(environment)}' does not exist")
        if described.get("TableType") == "VIRTUAL_VIEW":
            raise QueryError("NOT_SUPPORTED", "Inserting into views is not supported")
        with environment.engine.run(environment.query(self.sql), environment.cancellation) as rows:
            if is_iceberg(described):
                return self._iceberg(environment, rows)
            return self._hive(environment, described, rows)

    def _iceberg(self, environment: Environment, rows: Rows) -> Outcome:
        writer = IcebergWriter(environment, self.name.database(environment), self.name.table)
        table = writer.load()
        types = {field.name.lower(): trino_type(field.field_type) for field in table.schema().fields}
        names = self._targets(list(types), rows.columns)
        _check_types([types[name] for name in names], rows.columns)
        count = writer.append(table, rows, names)
        return Outcome("", rows=count, bytes_scanned=rows.bytes_scanned, manifest=(), is_update=True)

    def _targets(self, known: Sequence[str], given: Sequence[OutputColumn]) -> list[str]:
        names = list(self.columns) or list(known)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise QueryError(
                "COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {unknown[0]}"
            )
        if len(names) != len(given):
            raise QueryError(
                "TYPE_MISMATCH",
                f"Insert query has {len(given)} expression(s) but expected {len(names)} target column(s)",
            )
        return names

    def _hive(self, environment: Environment, described: dict[str, Any], rows: Rows) -> Outcome:
        table = HiveTable(self.name.database(environment), self.name.table, described, lambda *_: [])
        every = [*table.data_columns, *table.keys]
        if self._targets([c.name for c in every], rows.columns) != [c.name for c in every]:
            raise NotSupportedError("INSERT into a Hive table with other than all of its columns, in order,")
        _check_types([column.type for column in every], rows.columns)
        columns = tuple(OutputColumn(column.name, column.type) for column in every)
        keys = tuple(key.name for key in table.keys)
        location = table.location if table.location.endswith("/") else f"{table.location}/"
        options = WriteOptions(location, table.format.upper(), _codec_of(table), keys)
        writer = HiveWriter(options, columns, environment.spool_dir, environment.now)
        count = writer.write(rows)
        written = writer.publish(environment.storage)
        _register(environment, table.database, described, written)
        return _wrote(rows, count, written)


def _codec_of(table: HiveTable) -> str:
    return table.parameters.get("parquet.compression", "GZIP").upper()


def _wrote(rows: Rows, count: int, written: Sequence[Written]) -> Outcome:
    uris = [file.uri for file in written]
    return Outcome("", rows=count, bytes_scanned=rows.bytes_scanned, manifest=uris, is_update=True)


def _register(
    environment: Environment, database: str, table: dict[str, Any], written: Sequence[Written]
) -> None:
    """Tell Glue of the partitions that files were written to."""
    if not table.get("PartitionKeys"):
        return
    folders = {file.partition: file.uri.rsplit("/", 1)[0] + "/" for file in written}
    inputs = [partition_input(table, values, location) for values, location in folders.items()]
    add_partitions(environment, database, table["Name"], inputs)


def _check_types(targets: Sequence[t.Type], given: Sequence[OutputColumn]) -> None:
    for target, column in zip(targets, given, strict=True):
        if not t.converts(column.type, target) and column.type != target:
            table, query = ", ".join(map(str, targets)), ", ".join(str(c.type) for c in given)
            raise QueryError(
                "TYPE_MISMATCH",
                f"Insert query has mismatched column types: Table: [{table}], Query: [{query}]",
            )


def _refuse_unknown(properties: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(properties) - known)
    if unknown:
        raise NotSupportedError(f"table property {', '.join(unknown)}")


def read_create_table_as(reader: Reader) -> CreateTableAs:
    """Read what follows ``CREATE TABLE``, when a query follows."""
    if_not_exists = reader.take("IF", "NOT", "EXISTS")
    name = TableName(tuple(reader.name()))
    properties = reader.properties() if reader.take("WITH") else {}
    reader.expect("AS")
    sql, with_data = reader.rest(), True
    words = Reader(sql).words()
    if words[-2:] == ["NO", "DATA"] and words[-3:-2] == ["WITH"]:
        with_data = False
        sql = sql[: sql.upper().rindex("WITH")]
    elif words[-2:] == ["WITH", "DATA"]:
        sql = sql[: sql.upper().rindex("WITH")]
    return CreateTableAs(name, if_not_exists, properties, sql, with_data)


def read_insert(reader: Reader) -> Insert:
    """Read ``INSERT INTO name [(columns)] query``."""
    reader.expect("INSERT", "INTO")
    name = TableName(tuple(reader.name()))
    columns: tuple[str, ...] = ()
    if reader.peek() == "(" and reader.peek(1) not in ("SELECT", "WITH", "VALUES", "("):
        inner = Reader(reader.in_parentheses())
        found = [inner.identifier()]
        while inner.take(","):
            found.append(inner.identifier())
        columns = tuple(found)
    return Insert(name, columns, reader.rest())
