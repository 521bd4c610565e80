"""SHOW and DESCRIBE."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.glue_access import pages, partitions_of
from localaws.athena.statements.names import TableName
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Listing, Outcome
from localaws.athena.tables.glue_tables import view_of

Lines = Callable[[Environment], list[str]]


@dataclass(frozen=True)
class Show:
    """A statement that lists something."""

    subtype: str
    columns: tuple[str, ...]
    lines: Lines

    @property
    def kind(self) -> Kind:
        """How Athena classes it."""
        return Kind("UTILITY", self.subtype)

    def run(self, environment: Environment) -> Outcome:
        """List it."""
        return Listing(self.columns, self.lines(environment)).outcome()


def _matches(pattern: str | None) -> Callable[[str], bool]:
    """Return a test for Hive's patterns: ``*`` for anything, ``|`` between choices."""
    if pattern is None:
        return lambda name: True
    choices = [re.escape(choice).replace(r"\*", ".*") for choice in pattern.lower().split("|")]
    compiled = re.compile("|".join(choices))
    return lambda name: compiled.fullmatch(name) is not None


def _pattern(reader: Reader) -> str | None:
    reader.take("LIKE")
    text = None if reader.at_end else reader.string()
    reader.finish()
    return text


def _databases(reader: Reader) -> Show:
    wanted = _matches(_pattern(reader))

    def lines(environment: Environment) -> list[str]:
        names = (item["Name"] for item in pages(environment.glue, "GetDatabases", "DatabaseList"))
        return sorted(filter(wanted, names))

    return Show("SHOW_DATABASES", ("database_name",), lines)


def _tables(reader: Reader) -> Show:
    return _listed_tables(reader, "SHOW_TABLES", ("tab_name",), views_only=False)


def _views(reader: Reader) -> Show:
    return _listed_tables(reader, "SHOW_VIEWS", ("views",), views_only=True)


def _listed_tables(reader: Reader, subtype: str, columns: tuple[str, ...], views_only: bool) -> Show:
    database = reader.identifier() if reader.take("IN") or reader.take("FROM") else None
    wanted = _matches(_pattern(reader))

    def lines(environment: Environment) -> list[str]:
        found = pages(
            environment.glue, "GetTables", "TableList", DatabaseName=database or environment.database
        )
        return sorted(
            item["Name"]
            for item in found
            if wanted(item["Name"]) and (not views_only or item.get("TableType") == "VIRTUAL_VIEW")
        )

    return Show(subtype, columns, lines)


def _columns(reader: Reader) -> Show:
    if not reader.take("IN"):
        reader.expect("FROM")
    parts = reader.name()
    if reader.take("IN") or reader.take("FROM"):
        parts = [reader.identifier(), *parts]
    reader.finish()
    name = TableName(tuple(parts))

    def lines(environment: Environment) -> list[str]:
        return [column["Name"] for column in _every_column(name.get(environment))]

    return Show("SHOW_COLUMNS", ("field",), lines)


def _every_column(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(table["StorageDescriptor"].get("Columns") or []), *(table.get("PartitionKeys") or [])]


def _partitions(reader: Reader) -> Show:
    name = TableName(tuple(reader.name()))
    reader.finish()

    def lines(environment: Environment) -> list[str]:
        table = name.get(environment)
        keys = [key["Name"] for key in table.get("PartitionKeys") or []]
        if not keys:
            raise QueryError("FAILED", f"SemanticException: Table {name.table} is not a partitioned table")
        found = partitions_of(environment.glue, name.database(environment), name.table)
        return ["/".join(f"{k}={v}" for k, v in zip(keys, p["Values"], strict=True)) for p in found]

    return Show("SHOW_PARTITIONS", ("partition",), lines)


def _properties(reader: Reader) -> Show:
    name = TableName(tuple(reader.name()))
    only = Reader(reader.in_parentheses()).string() if not reader.at_end else None
    reader.finish()

    def lines(environment: Environment) -> list[str]:
        parameters = name.get(environment).get("Parameters") or {}
        return [f"{key}\t{value}" for key, value in parameters.items() if only in (None, key)]

    return Show("SHOW_TBLPROPERTIES", ("prpt_name", "prpt_value"), lines)


def _create(reader: Reader) -> Show:
    view = reader.take("VIEW")
    if not view:
        reader.expect("TABLE")
    name = TableName(tuple(reader.name()))
    reader.finish()

    def lines(environment: Environment) -> list[str]:
        table = name.get(environment)
        if view:
            text = view_of(table, name.database(environment)).sql
            return [f"CREATE VIEW {name.qualified(environment)} AS", *text.splitlines()]
        return _ddl(table, name.database(environment))

    return Show("SHOW_CREATE_VIEW" if view else "SHOW_CREATE_TABLE", ("createtab_stmt",), lines)


def _ddl(table: dict[str, Any], database: str) -> list[str]:
    storage = table["StorageDescriptor"]
    serde = storage.get("SerdeInfo") or {}
    lines = [f"CREATE EXTERNAL TABLE `{database}.{table['Name']}`(", *_listed(storage.get("Columns") or [])]
    if table.get("PartitionKeys"):
        lines += ["PARTITIONED BY ( ", *_listed(table["PartitionKeys"])]
    lines += ["ROW FORMAT SERDE ", f"  '{serde.get('SerializationLibrary', '')}' "]
    lines += ["STORED AS INPUTFORMAT ", f"  '{storage.get('InputFormat', '')}' "]
    lines += ["OUTPUTFORMAT ", f"  '{storage.get('OutputFormat', '')}'"]
    lines += ["LOCATION", f"  '{storage.get('Location', '')}'", "TBLPROPERTIES ("]
    pairs = sorted((table.get("Parameters") or {}).items())
    lines += [
        f"  '{key}'='{value}'{',' if i < len(pairs) else ')'}" for i, (key, value) in enumerate(pairs, 1)
    ]
    return lines


def _listed(columns: list[dict[str, Any]]) -> list[str]:
    last = len(columns)
    return [f"  `{c['Name']}` {c['Type']}{', ' if i < last else ')'}" for i, c in enumerate(columns, 1)]


def read_describe(reader: Reader) -> Show:
    """Read ``DESCRIBE name``."""
    if not reader.take("DESCRIBE"):
        reader.expect("DESC")
    if reader.peek() in ("EXTENDED", "FORMATTED", "INPUT", "OUTPUT", "DATABASE"):
        raise NotSupportedError(f"DESCRIBE {reader.peek()}")
    name = TableName(tuple(reader.name()))
    reader.finish()

    def lines(environment: Environment) -> list[str]:
        table = name.get(environment)
        rows = [_described(column) for column in _every_column(table)]
        if table.get("PartitionKeys"):
            rows += [
                "\t \t ",
                "# Partition Information\t \t ",
                _padded("# col_name", "data_type", "comment"),
                "\t \t ",
            ]
            rows += [_described(column) for column in table["PartitionKeys"]]
        return rows

    return Show("DESCRIBE_TABLE", ("col_name", "data_type", "comment"), lines)


def _described(column: dict[str, Any]) -> str:
    return _padded(column["Name"], column["Type"], column.get("Comment") or "")


def _padded(*cells: str) -> str:
    return "\t".join(cell.ljust(20) for cell in cells)


_SHOWN: Final[dict[str, Callable[[Reader], Show]]] = {
    "COLUMNS": _columns,
    "CREATE": _create,
    "DATABASES": _databases,
    "PARTITIONS": _partitions,
    "SCHEMAS": _databases,
    "TABLES": _tables,
    "TBLPROPERTIES": _properties,
    "VIEWS": _views,
}


def read_show(reader: Reader) -> Show:
    """Read ``SHOW``."""
    reader.expect("SHOW")
    word = reader.peek()
    if word not in _SHOWN:
        raise NotSupportedError(f"statement SHOW {word}")
    reader.expect(word)
    return _SHOWN[word](reader)
