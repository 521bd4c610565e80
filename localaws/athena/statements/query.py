"""SELECT, EXPLAIN and UNLOAD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.hive_writer import HiveWriter, WriteOptions
from localaws.athena.result_files import csv_of
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Listing, Outcome
from localaws.service import AwsError
from localaws.storage import split_uri


@dataclass(frozen=True)
class Select:
    """A query."""

    sql: str
    kind: ClassVar[Kind] = Kind("DML", "SELECT")

    def run(self, environment: Environment) -> Outcome:
        """Write the rows as CSV."""
        with environment.engine.run(environment.query(self.sql), environment.cancellation) as rows:
            body, count = csv_of(rows)
            return Outcome(".csv", body, rows.columns, True, count, rows.bytes_scanned)


@dataclass(frozen=True)
class Explain:
    """EXPLAIN of a query."""

    sql: str
    kind: ClassVar[Kind] = Kind("UTILITY", "EXPLAIN")

    def run(self, environment: Environment) -> Outcome:
        """Write the plan."""
        plan = environment.engine.explain(environment.query(self.sql))
        return Listing(("Query Plan",), plan.splitlines()).outcome()


@dataclass(frozen=True)
class Unload:
    """UNLOAD: a query's rows as files."""

    sql: str
    options: WriteOptions
    kind: ClassVar[Kind] = Kind("DML", "UNLOAD")

    def run(self, environment: Environment) -> Outcome:
        """Write the rows below a location that must be empty."""
        require_empty(environment, self.options.location)
        with environment.engine.run(environment.query(self.sql), environment.cancellation) as rows:
            writer = HiveWriter(self.options, rows.columns, environment.spool_dir, environment.now)
            count = writer.write(rows)
            scanned = rows.bytes_scanned
        environment.cancellation.check()
        written = writer.publish(environment.storage)
        uris = [file.uri for file in written]
        return Outcome("", rows=count, bytes_scanned=scanned, manifest=uris, is_update=True)


def require_empty(environment: Environment, location: str) -> None:
    """Fail when a location holds objects already."""
    bucket, prefix = split_uri(location)
    try:
        found = next(environment.storage.list(bucket, prefix.rstrip("/") + "/" if prefix else ""), None)
    except AwsError as error:
        raise QueryError("HIVE_FILESYSTEM_ERROR", f"{location}: {error.message}") from error
    if found is not None:
        raise QueryError("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table already exists: {location}")


def read_unload(reader: Reader) -> Unload:
    """Read ``UNLOAD (query) TO 'location' WITH (...)``."""
    reader.expect("UNLOAD")
    sql = reader.in_parentheses()
    reader.expect("TO")
    location = reader.string()
    reader.expect("WITH")
    properties = reader.properties()
    reader.finish()
    return Unload(sql, write_options(location, properties, "format"))


def write_options(location: str, properties: dict[str, Any], format_key: str) -> WriteOptions:
    """Return the options that a WITH clause gives; what it does not know is refused."""
    known = {format_key, "compression", "partitioned_by", "compression_level", "field_delimiter"}
    unknown = sorted(set(properties) - known)
    if unknown:
        raise QueryError("INVALID_PROPERTY", f"Unknown property: {', '.join(unknown)}")
    for name in ("compression_level", "field_delimiter"):
        if name in properties:
            raise NotSupportedError(f"property {name}")
    keys = tuple(key.lower() for key in properties.get("partitioned_by", []))
    return WriteOptions(
        location,
        str(properties.get(format_key, "PARQUET")).upper(),
        str(properties.get("compression", "GZIP")).upper(),
        keys,
    )
