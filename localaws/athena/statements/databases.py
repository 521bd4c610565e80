"""CREATE and DROP DATABASE."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from localaws.athena.failure import QueryError
from localaws.athena.glue_access import pages
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Outcome
from localaws.service import AwsError


@dataclass(frozen=True)
class CreateDatabase:
    """``CREATE DATABASE [IF NOT EXISTS] name [COMMENT] [LOCATION] [WITH DBPROPERTIES]``."""

    name: str
    if_not_exists: bool
    details: dict[str, Any] = field(default_factory=dict)
    kind: ClassVar[Kind] = Kind("DDL", "CREATE_DATABASE")

    def run(self, environment: Environment) -> Outcome:
        """Make the database."""
        try:
            environment.glue.call("CreateDatabase", DatabaseInput={"Name": self.name, **self.details})
        except AwsError as error:
            if error.code != "AlreadyExistsException":
                raise
            if not self.if_not_exists:
                raise QueryError(
                    "FAILED", f"SemanticException [Error 10242]: Database {self.name} already exists"
                ) from error
        return Outcome(".txt")


@dataclass(frozen=True)
class DropDatabase:
    """``DROP DATABASE [IF EXISTS] name [RESTRICT | CASCADE]``."""

    name: str
    if_exists: bool
    cascade: bool
    kind: ClassVar[Kind] = Kind("DDL", "DROP_DATABASE")

    def run(self, environment: Environment) -> Outcome:
        """Drop the database."""
        try:
            tables = list(pages(environment.glue, "GetTables", "TableList", DatabaseName=self.name))
            if tables and not self.cascade:
                raise QueryError(
                    "FAILED",
                    f"InvalidOperationException(message:Database {self.name} is not empty. "
                    "One or more tables exist.)",
                )
            environment.glue.call("DeleteDatabase", Name=self.name)
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            if not self.if_exists:
                raise QueryError(
                    "FAILED", f"SemanticException [Error 10072]: Database does not exist: {self.name}"
                ) from error
        return Outcome(".txt")


def read_create_database(reader: Reader) -> CreateDatabase:
    """Read what follows ``CREATE DATABASE``."""
    if_not_exists = reader.take("IF", "NOT", "EXISTS")
    name = reader.identifier()
    details: dict[str, Any] = {}
    while not reader.at_end:
        if reader.take("COMMENT"):
            details["Description"] = reader.string()
        elif reader.take("LOCATION"):
            details["LocationUri"] = reader.string()
        else:
            reader.expect("WITH", "DBPROPERTIES")
            details["Parameters"] = reader.string_pairs()
    return CreateDatabase(name, if_not_exists, details)


def read_drop_database(reader: Reader) -> DropDatabase:
    """Read what follows ``DROP DATABASE``."""
    if_exists = reader.take("IF", "EXISTS")
    name = reader.identifier()
    cascade = reader.take("CASCADE")
    if not cascade:
        reader.take("RESTRICT")
    reader.finish()
    return DropDatabase(name, if_exists, cascade)
