"""Names of databases and tables in statements that change or show the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localaws.athena.failure import QueryError
from localaws.athena.glue_access import CATALOG
from localaws.athena.statements.statement import Environment
from localaws.service import AwsError


@dataclass(frozen=True)
class TableName:
    """A table's name as a statement gives it; without a database it is in the query's."""

    parts: tuple[str, ...]

    def database(self, environment: Environment) -> str:
        """Return the database."""
        if len(self.parts) > 2 and self.parts[0] != CATALOG:
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{self.parts[0]}' does not exist")
        return self.parts[-2] if len(self.parts) > 1 else environment.database

    @property
    def table(self) -> str:
        """Return the table."""
        return self.parts[-1]

    def find(self, environment: Environment) -> dict[str, Any] | None:
        """Return Glue's description, if the table is there."""
        try:
            answer = environment.glue.call(
                "GetTable", DatabaseName=self.database(environment), Name=self.table
            )
        except AwsError as error:
            if error.code == "EntityNotFoundException":
                return None
            raise
        found: dict[str, Any] = answer["Table"]
        return found

    def get(self, environment: Environment) -> dict[str, Any]:
        """Return Glue's description, or fail as Hive does."""
        found = self.find(environment)
        if found is None:
            shown = f"{self.database(environment)}.{self.table}"
            raise QueryError("FAILED", f"SemanticException [Error 10001]: Table not found {shown}")
        return found

    def qualified(self, environment: Environment) -> str:
        """Return the name as Trino's messages have it."""
        return f"{CATALOG}.{self.database(environment)}.{self.table}"


def table_input(described: dict[str, Any]) -> dict[str, Any]:
    """Return what UpdateTable takes of a description that GetTable gave."""
    kept = (
        "Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText",
        "ViewExpandedText", "TableType", "Parameters",
    )  # fmt: skip
    return {key: described[key] for key in kept if described.get(key) is not None}
