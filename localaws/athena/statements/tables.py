"""CREATE TABLE without a query, and DROP TABLE."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.hive_types import hive_type
from localaws.athena.iceberg_writer import IcebergWriter
from localaws.athena.sql.catalog import OutputColumn
from localaws.athena.sql.type_text import parse_type
from localaws.athena.statements.names import TableName
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Outcome
from localaws.athena.tables.glue_tables import is_iceberg
from localaws.storage import split_uri

_PARQUET: Final = (
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
)
_TEXT: Final = (
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
)
_JSON: Final = (*_TEXT, "org.openx.data.jsonserde.JsonSerDe")
FORMATS: Final = {"PARQUET": _PARQUET, "JSON": _JSON}
"""Input format, output format and SerDe of what Local AWS writes, by Athena's name for it."""

Column = dict[str, str]


@dataclass
class Definition:
    """What a CREATE TABLE says of the table."""

    columns: list[Column] = field(default_factory=list)
    comment: str | None = None
    partitions: list[Column] = field(default_factory=list)
    transforms: list[str] = field(default_factory=list)
    input_format: str = _TEXT[0]
    output_format: str = _TEXT[1]
    serde: str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    serde_properties: dict[str, str] = field(default_factory=dict)
    location: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CreateTable:
    """``CREATE [EXTERNAL] TABLE``."""

    name: TableName
    if_not_exists: bool
    external: bool
    definition: Definition
    kind: ClassVar[Kind] = Kind("DDL", "CREATE_TABLE")

    def run(self, environment: Environment) -> Outcome:
        """Make the table in Glue; an Iceberg table gets its first metadata."""
        if self.name.find(environment) is not None:
            if self.if_not_exists:
                return Outcome(".txt")
            raise QueryError(
                "FAILED", f"AlreadyExistsException(message:Table {self.name.table} already exists)"
            )
        if self.definition.properties.get("table_type", "").upper() == "ICEBERG":
            self._create_iceberg(environment)
        elif not self.external:
            raise QueryError(
                "FAILED", "SemanticException: CREATE TABLE needs EXTERNAL, or table_type ICEBERG"
            )
        else:
            table = glue_table(self.name.table, self.definition)
            environment.glue.call(
                "CreateTable", DatabaseName=self.name.database(environment), TableInput=table
            )
        return Outcome(".txt")

    def _create_iceberg(self, environment: Environment) -> None:
        definition = self.definition
        if definition.location is None:
            raise QueryError("FAILED", "SemanticException: an Iceberg table needs a LOCATION")
        columns = [OutputColumn(c["Name"], parse_type(c["Type"])) for c in definition.columns]
        writer = IcebergWriter(environment, self.name.database(environment), self.name.table)
        kept = {k: v for k, v in definition.properties.items() if k.lower() != "table_type"}
        writer.create(columns, definition.location, definition.transforms, kept)


@dataclass(frozen=True)
class DropTable:
    """``DROP TABLE [IF EXISTS] name``; an Iceberg table's data goes with it."""

    name: TableName
    if_exists: bool
    view: bool = False
    kind: ClassVar[Kind] = Kind("DDL", "DROP_TABLE")

    def run(self, environment: Environment) -> Outcome:
        """Drop it."""
        described = self.name.find(environment)
        if described is None:
            if self.if_exists:
                return Outcome(".txt")
            raise QueryError("FAILED", f"SemanticException [Error 10001]: Table not found {self.name.table}")
        if (described.get("TableType") == "VIRTUAL_VIEW") != self.view:
            raise QueryError(
                "FAILED", f"SemanticException: {self.name.table} is {'no' if self.view else 'a'} view"
            )
        environment.glue.call(
            "DeleteTable", DatabaseName=self.name.database(environment), Name=self.name.table
        )
        if is_iceberg(described):
            self._delete_data(environment, described)
        return Outcome(".txt")

    def _delete_data(self, environment: Environment, described: dict[str, Any]) -> None:
        bucket, prefix = split_uri(described["StorageDescriptor"]["Location"])
        if not prefix.strip("/"):
            raise NotSupportedError(f"deleting the data of a table that is all of bucket {bucket}")
        for item in list(environment.storage.list(bucket, prefix.rstrip("/") + "/")):
            environment.storage.delete(bucket, item.key)


def glue_table(name: str, definition: Definition) -> dict[str, Any]:
    """Return the TableInput of an external table."""
    if definition.location is None:
        raise QueryError("FAILED", "SemanticException: an external table needs a LOCATION")
    if definition.transforms:
        raise NotSupportedError(
            f"PARTITIONED BY {', '.join(definition.transforms)} of a table that is not Iceberg"
        )
    table = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **definition.properties},
        "PartitionKeys": definition.partitions,
        "StorageDescriptor": {
            "Columns": definition.columns,
            "Location": definition.location,
            "InputFormat": definition.input_format,
            "OutputFormat": definition.output_format,
            "SerdeInfo": {
                "SerializationLibrary": definition.serde,
                "Parameters": {"serialization.format": "1", **definition.serde_properties},
            },
        },
    }
    return {**table, "Description": definition.comment} if definition.comment else table


def read_create_table(reader: Reader, external: bool) -> CreateTable:
    """Read what follows ``CREATE [EXTERNAL] TABLE``, when no query follows."""
    if_not_exists = reader.take("IF", "NOT", "EXISTS")
    name = TableName(tuple(reader.name()))
    definition = Definition(columns=read_columns(reader))
    while not reader.at_end:
        clause = next((word for word in _CLAUSES if reader.take(*word.split())), None)
        if clause is None:
            raise NotSupportedError(f"CREATE TABLE with {reader.peek()}")
        _CLAUSES[clause](reader, definition)
    return CreateTable(name, if_not_exists, external, definition)


def read_columns(reader: Reader) -> list[Column]:
    """Read ``(name type [COMMENT 'text'], ...)``."""
    inner = Reader(reader.in_parentheses())
    columns = []
    while not inner.at_end:
        columns.append(_column(Reader(inner.until_comma())))
        inner.take(",")
    return columns


def _column(reader: Reader) -> Column:
    name = reader.identifier()
    text, _, comment = _split_comment(reader.rest())
    column = {"Name": name, "Type": hive_type(parse_type(text))}
    return {**column, "Comment": comment} if comment else column


def _split_comment(text: str) -> tuple[str, str, str]:
    reader = Reader(text)
    start = text.upper().find(" COMMENT ")
    if start < 0:
        return text, "", ""
    reader = Reader(text[start + 1 :])
    reader.expect("COMMENT")
    return text[:start], "COMMENT", reader.string()


def _read_comment(reader: Reader, definition: Definition) -> None:
    definition.comment = reader.string()


def _read_partitions(reader: Reader, definition: Definition) -> None:
    inner = Reader(reader.in_parentheses())
    while not inner.at_end:
        text = inner.until_comma()
        item = Reader(text)
        item.identifier()
        if item.at_end or item.peek() == "(":
            definition.transforms.append(text)
        else:
            definition.partitions.append(_column(Reader(text)))
        inner.take(",")


def _read_serde(reader: Reader, definition: Definition) -> None:
    definition.serde = reader.string()
    if reader.take("WITH", "SERDEPROPERTIES"):
        definition.serde_properties = reader.string_pairs()


_DELIMITED: Final = {
    "FIELDS TERMINATED BY": "field.delim",
    "COLLECTION ITEMS TERMINATED BY": "collection.delim",
    "MAP KEYS TERMINATED BY": "mapkey.delim",
    "NULL DEFINED AS": "serialization.null.format",
    "LINES TERMINATED BY": "line.delim",
    "ESCAPED BY": "escape.delim",
}
_ESCAPE: Final = re.compile(r"\\(?:([tnr])|([0-7]{3})|(.))")
_ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r"}


def _unescaped(text: str) -> str:
    """Return the character that Hive's backslash and letter, or three octal digits, mean."""
    return _ESCAPE.sub(lambda m: _ESCAPED[m[1]] if m[1] else chr(int(m[2], 8)) if m[2] else m[0], text)


def _read_delimited(reader: Reader, definition: Definition) -> None:
    while (words := next((words for words in _DELIMITED if reader.take(*words.split())), None)) is not None:
        definition.serde_properties[_DELIMITED[words]] = _unescaped(reader.string())
    if definition.serde_properties.get("line.delim", "\n") != "\n":
        raise NotSupportedError("LINES TERMINATED BY anything but a newline")
    delimiter = definition.serde_properties.get("field.delim")
    if delimiter is not None:
        definition.serde_properties["serialization.format"] = delimiter


def _read_stored(reader: Reader, definition: Definition) -> None:
    if reader.take("INPUTFORMAT"):
        definition.input_format = reader.string()
        reader.expect("OUTPUTFORMAT")
        definition.output_format = reader.string()
        return
    name = reader.identifier().upper()
    if name == "TEXTFILE":
        definition.input_format, definition.output_format = _TEXT
        return
    if name not in FORMATS:
        raise NotSupportedError(f"STORED AS {name}")
    definition.input_format, definition.output_format, definition.serde = FORMATS[name]


def _read_location(reader: Reader, definition: Definition) -> None:
    definition.location = reader.string()
    split_uri(definition.location)


def _read_properties(reader: Reader, definition: Definition) -> None:
    definition.properties = reader.string_pairs()


_CLAUSES: Final[dict[str, Callable[[Reader, Definition], None]]] = {
    "COMMENT": _read_comment,
    "PARTITIONED BY": _read_partitions,
    "ROW FORMAT DELIMITED": _read_delimited,
    "ROW FORMAT SERDE": _read_serde,
    "STORED AS": _read_stored,
    "LOCATION": _read_location,
    "TBLPROPERTIES": _read_properties,
}


def read_drop_table(reader: Reader, view: bool) -> DropTable:
    """Read what follows ``DROP TABLE`` or ``DROP VIEW``."""
    if_exists = reader.take("IF", "EXISTS")
    name = TableName(tuple(reader.name()))
    reader.take("PURGE")
    reader.finish()
    return DropTable(name, if_exists, view)
