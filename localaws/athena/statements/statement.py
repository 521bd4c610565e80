"""What a statement is, what it runs with, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from localaws.athena.engine import Cancellation, Engine, Query
from localaws.athena.glue_access import Glue
from localaws.athena.sql import types as t
from localaws.athena.sql.catalog import OutputColumn
from localaws.storage import LakeStorage

StatementType = Literal["DML", "DDL", "UTILITY"]


@dataclass(frozen=True)
class Environment:
    """What a statement runs with.

    Parameters
    ----------
    engine
        Runs its queries.
    glue, storage
        The catalog and S3.
    database
        Where unqualified names are.
    now
        The time of the query.
    execution_id
        The query execution.
    output
        The ``s3://`` folder for results, with a slash at its end; ``None`` when there is none.
    spool_dir
        Folder for files on their way to S3.
    cancellation
        Stops it.
    bytes_limit
        How many bytes it may scan.
    endpoint_url, region, account_id
        For what talks to Local AWS over HTTP.
    """

    engine: Engine
    glue: Glue
    storage: LakeStorage
    database: str
    now: datetime
    execution_id: str
    output: str | None
    spool_dir: Path
    cancellation: Cancellation
    bytes_limit: int | None
    endpoint_url: str
    region: str
    account_id: str

    def query(self, sql: str) -> Query:
        """Return a query in this environment."""
        return Query(sql, self.database, self.now, self.bytes_limit)


@dataclass(frozen=True)
class Outcome:
    """What a statement leaves.

    Parameters
    ----------
    suffix, body
        The result object: its name after the execution id, and its content.
    columns
        The result's columns.
    has_header
        Whether the first line of the result are the names.
    rows
        How many rows it returned, or wrote.
    bytes_scanned
        What it read.
    manifest
        Addresses of the data files that it wrote.
    is_update
        Whether ``rows`` is an update count.
    """

    suffix: str
    body: bytes = b""
    columns: Sequence[OutputColumn] = ()
    has_header: bool = False
    rows: int = 0
    bytes_scanned: int = 0
    manifest: Sequence[str] | None = None
    is_update: bool = False


@dataclass(frozen=True)
class Kind:
    """How Athena classes a statement."""

    type: StatementType
    subtype: str


class Statement(Protocol):
    """A parsed statement."""

    @property
    def kind(self) -> Kind:
        """How Athena classes it."""

    def run(self, environment: Environment) -> Outcome:
        """Run it."""


@dataclass(frozen=True)
class Listing:
    """The text that a SHOW or DESCRIBE leaves: one line a row, tabs between columns."""

    columns: tuple[str, ...]
    lines: list[str] = field(default_factory=list)

    def outcome(self) -> Outcome:
        """Return it as an outcome."""
        body = "".join(f"{line}\n" for line in self.lines).encode()
        columns = [OutputColumn(name, t.VARCHAR) for name in self.columns]
        return Outcome(".txt", body, columns, rows=len(self.lines))
