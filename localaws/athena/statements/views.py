"""CREATE VIEW."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localaws.athena.failure import QueryError
from localaws.athena.hive_types import view_column_type
from localaws.athena.sql.catalog import TableColumn, View
from localaws.athena.statements.names import TableName
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Outcome
from localaws.athena.tables.glue_tables import view_text


@dataclass(frozen=True)
class CreateView:
    """``CREATE [OR REPLACE] VIEW name AS query``, kept in Glue as Athena keeps it."""

    name: TableName
    replace: bool
    sql: str
    kind: ClassVar[Kind] = Kind("DDL", "CREATE_VIEW")

    def run(self, environment: Environment) -> Outcome:
        """Check the query and keep the view."""
        columns = environment.engine.columns(environment.query(self.sql))
        _check(columns_of := [TableColumn(column.name, column.type) for column in columns])
        existing = self.name.find(environment)
        if existing is not None and not (self.replace and existing.get("TableType") == "VIRTUAL_VIEW"):
            raise QueryError(
                "TABLE_ALREADY_EXISTS", f"View already exists: '{self.name.qualified(environment)}'"
            )
        table = {
            "Name": self.name.table,
            # Trino runs a view as its owner, and refuses one that has none.
            "Owner": "hadoop",
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": view_text(View(self.sql, environment.database, columns_of)),
            "ViewExpandedText": "/* Presto View */",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "PartitionKeys": [],
            "StorageDescriptor": {
                "Columns": [{"Name": c.name, "Type": view_column_type(c.type)} for c in columns_of],
                "Location": "",
                "SerdeInfo": {},
            },
        }
        operation = "CreateTable" if existing is None else "UpdateTable"
        environment.glue.call(operation, DatabaseName=self.name.database(environment), TableInput=table)
        return Outcome(".txt")


def _check(columns: list[TableColumn]) -> None:
    seen: set[str] = set()
    for position, column in enumerate(columns):
        if column.name == f"_col{position}":
            raise QueryError("MISSING_COLUMN_NAME", f"Column name not specified at position {position + 1}")
        if column.name in seen:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Column name '{column.name}' specified more than once")
        seen.add(column.name)


def read_create_view(reader: Reader, replace: bool) -> CreateView:
    """Read what follows ``CREATE [OR REPLACE] VIEW``."""
    name = TableName(tuple(reader.name()))
    reader.expect("AS")
    return CreateView(name, replace, reader.rest())
