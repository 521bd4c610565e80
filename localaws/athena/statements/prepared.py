"""PREPARE, EXECUTE and DEALLOCATE PREPARE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localaws.athena.failure import QueryError
from localaws.athena.saved_queries import PreparedStatements
from localaws.athena.sql.parser import with_parameters
from localaws.athena.statements.parse import parse_statement
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Outcome, Statement


@dataclass(frozen=True)
class Prepare:
    """``PREPARE name FROM statement``."""

    prepared: PreparedStatements
    workgroup: str
    name: str
    query: str
    kind: ClassVar[Kind] = Kind("DDL", "PREPARE")

    def run(self, environment: Environment) -> Outcome:
        """Keep the statement."""
        self.prepared.save(self.workgroup, self.name, self.query)
        return Outcome(".txt")


@dataclass(frozen=True)
class Deallocate:
    """``DEALLOCATE PREPARE name``."""

    prepared: PreparedStatements
    workgroup: str
    name: str
    kind: ClassVar[Kind] = Kind("DDL", "DEALLOCATE")

    def run(self, environment: Environment) -> Outcome:
        """Forget the statement."""
        if not self.prepared.remove(self.workgroup, self.name):
            raise _missing(self.name)
        return Outcome(".txt")


def resolve_prepared(
    sql: str, parameters: list[str], prepared: PreparedStatements, workgroup: str
) -> Statement | None:
    """Return the statement if it is about prepared statements, else ``None``."""
    reader = Reader(sql)
    if reader.take("PREPARE"):
        name = reader.identifier()
        reader.expect("FROM")
        return Prepare(prepared, workgroup, name, reader.rest())
    if reader.take("DEALLOCATE"):
        reader.expect("PREPARE")
        name = reader.identifier()
        reader.finish()
        return Deallocate(prepared, workgroup, name)
    if not reader.take("EXECUTE"):
        return None
    name = reader.identifier()
    found = prepared.find(workgroup, name)
    if found is None:
        raise _missing(name)
    return parse_statement(with_parameters(found["QueryStatement"], _values(reader) or parameters))


def _values(reader: Reader) -> list[str]:
    values: list[str] = []
    if reader.take("USING"):
        values.append(reader.until_comma())
        while reader.take(","):
            values.append(reader.until_comma())
    reader.finish()
    return values


def _missing(name: str) -> QueryError:
    return QueryError("NOT_FOUND", f"Prepared statement not found: {name}")
