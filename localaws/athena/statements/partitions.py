"""MSCK REPAIR TABLE and ALTER TABLE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.glue_access import partitions_of
from localaws.athena.iceberg_writer import IcebergWriter, iceberg_arrow_schema
from localaws.athena.sql.catalog import OutputColumn
from localaws.athena.sql.type_text import parse_type
from localaws.athena.statements.names import TableName, table_input
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Environment, Kind, Listing, Outcome
from localaws.athena.statements.tables import read_columns
from localaws.athena.tables.glue_tables import is_iceberg
from localaws.storage import split_uri

_BATCH: Final = 100
Change = Callable[[Environment, str, dict[str, Any]], None]


def partition_input(table: dict[str, Any], values: Sequence[str], location: str) -> dict[str, Any]:
    """Return the PartitionInput of a partition that is stored as its table is."""
    return {"Values": list(values), "StorageDescriptor": {**table["StorageDescriptor"], "Location": location}}


def add_partitions(
    environment: Environment, database: str, table: str, inputs: Sequence[dict[str, Any]]
) -> None:
    """Make partitions that are not there yet."""
    known = {tuple(p["Values"]) for p in partitions_of(environment.glue, database, table)}
    new = [item for item in inputs if tuple(item["Values"]) not in known]
    for start in range(0, len(new), _BATCH):
        answer = environment.glue.call(
            "BatchCreatePartition",
            DatabaseName=database,
            TableName=table,
            PartitionInputList=new[start : start + _BATCH],
        )
        for error in answer.get("Errors") or []:
            raise QueryError("HIVE_METASTORE_ERROR", f"{error['PartitionValues']}: {error['ErrorDetail']}")


@dataclass(frozen=True)
class Repair:
    """``MSCK REPAIR TABLE name``: adds the ``k=v`` folders that Glue has no partition for."""

    name: TableName
    kind: ClassVar[Kind] = Kind("DDL", "MSCK_REPAIR_TABLE")

    def run(self, environment: Environment) -> Outcome:
        """Add the missing partitions."""
        table = self.name.get(environment)
        database = self.name.database(environment)
        keys = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
        known = {tuple(p["Values"]) for p in partitions_of(environment.glue, database, self.name.table)}
        found = {v: loc for v, loc in self._folders(environment, table, keys).items() if v not in known}
        inputs = [partition_input(table, values, location) for values, location in found.items()]
        add_partitions(environment, database, self.name.table, inputs)
        shown = ["/".join(f"{k}={v}" for k, v in zip(keys, values, strict=True)) for values in found]
        lines = []
        if shown:
            lines.append(
                "Partitions not in metastore:\t" + "\t".join(f"{self.name.table}:{s}" for s in shown)
            )
        lines += [f"Repair: Added partition to metastore {self.name.table}:{s}" for s in shown]
        return Listing(("result",), lines).outcome()

    def _folders(
        self, environment: Environment, table: dict[str, Any], keys: list[str]
    ) -> dict[tuple[str, ...], str]:
        bucket, prefix = split_uri(table["StorageDescriptor"]["Location"])
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        found: dict[tuple[str, ...], str] = {}
        for item in environment.storage.list(bucket, prefix):
            parts = item.key[len(prefix) :].split("/")[:-1][: len(keys)]
            pairs = [part.partition("=") for part in parts]
            if keys and [name.lower() for name, _, _ in pairs] == keys:
                found.setdefault(
                    tuple(unquote(v) for _, _, v in pairs), f"s3://{bucket}/{prefix}{'/'.join(parts)}/"
                )
        return found


@dataclass(frozen=True)
class AlterTable:
    """``ALTER TABLE name`` and what to change."""

    name: TableName
    change: Change
    kind: ClassVar[Kind] = Kind("DDL", "ALTER_TABLE")

    def run(self, environment: Environment) -> Outcome:
        """Change the table."""
        self.change(environment, self.name.database(environment), self.name.get(environment))
        return Outcome(".txt")


def _spec(reader: Reader) -> dict[str, str]:
    """Read ``(key = value, ...)``."""
    inner = Reader(reader.in_parentheses())
    spec: dict[str, str] = {}
    while not inner.at_end:
        key = inner.identifier()
        inner.expect("=")
        spec[key] = inner.token().text
        inner.take(",")
    return spec


def _values(table: dict[str, Any], spec: dict[str, str]) -> list[str]:
    keys = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
    if sorted(keys) != sorted(spec):
        raise QueryError("FAILED", f"SemanticException: partition spec {spec} does not name the keys {keys}")
    return [spec[key] for key in keys]


def _add_partitions(reader: Reader) -> Change:
    if_not_exists = reader.take("IF", "NOT", "EXISTS")
    wanted: list[tuple[dict[str, str], str | None]] = []
    while reader.take("PARTITION"):
        spec = _spec(reader)
        wanted.append((spec, reader.string() if reader.take("LOCATION") else None))
        reader.take(",")
    reader.finish()

    def change(environment: Environment, database: str, table: dict[str, Any]) -> None:
        base = table["StorageDescriptor"]["Location"].rstrip("/")
        inputs = []
        for spec, location in wanted:
            values = _values(table, spec)
            folder = "/".join(f"{key}={value}" for key, value in spec.items())
            inputs.append(partition_input(table, values, location or f"{base}/{folder}/"))
        known = {tuple(p["Values"]) for p in partitions_of(environment.glue, database, table["Name"])}
        taken = [item["Values"] for item in inputs if tuple(item["Values"]) in known]
        if taken and not if_not_exists:
            raise QueryError("FAILED", f"SemanticException: partition already exists: {taken[0]}")
        add_partitions(environment, database, table["Name"], inputs)

    return change


def _drop_partitions(reader: Reader) -> Change:
    if_exists = reader.take("IF", "EXISTS")
    wanted = []
    while reader.take("PARTITION"):
        wanted.append(_spec(reader))
        reader.take(",")
    reader.finish()

    def change(environment: Environment, database: str, table: dict[str, Any]) -> None:
        known = {tuple(p["Values"]) for p in partitions_of(environment.glue, database, table["Name"])}
        for spec in wanted:
            values = _values(table, spec)
            if tuple(values) not in known and not if_exists:
                raise QueryError("FAILED", f"SemanticException: Partition not found {spec}")
            if tuple(values) in known:
                environment.glue.call(
                    "DeletePartition", DatabaseName=database, TableName=table["Name"], PartitionValues=values
                )

    return change


def _partition(reader: Reader) -> Change:
    spec = _spec(reader)
    if not reader.take("SET", "LOCATION"):
        raise NotSupportedError(f"ALTER TABLE PARTITION {reader.peek()}")
    location = reader.string()
    reader.finish()

    def change(environment: Environment, database: str, table: dict[str, Any]) -> None:
        values = _values(table, spec)
        environment.glue.call(
            "UpdatePartition",
            DatabaseName=database,
            TableName=table["Name"],
            PartitionValueList=values,
            PartitionInput=partition_input(table, values, location),
        )

    return change


def _add_columns(reader: Reader) -> Change:
    return _columns(reader, replace=False)


def _columns(reader: Reader, replace: bool) -> Change:
    columns = read_columns(reader)
    reader.finish()

    def change(environment: Environment, database: str, table: dict[str, Any]) -> None:
        if is_iceberg(table):
            if replace:
                raise NotSupportedError("REPLACE COLUMNS of an Iceberg table")
            writer = IcebergWriter(environment, database, table["Name"])
            outputs = [OutputColumn(c["Name"], parse_type(c["Type"])) for c in columns]
            with writer.load().update_schema() as update:
                update.union_by_name(iceberg_arrow_schema(outputs))
            return
        table["StorageDescriptor"]["Columns"] = (
            columns if replace else table["StorageDescriptor"]["Columns"] + columns
        )
        environment.glue.call("UpdateTable", DatabaseName=database, TableInput=table_input(table))

    return change


def _set(reader: Reader) -> Change:
    if reader.take("LOCATION"):
        location = reader.string()
        return _update(lambda table: table["StorageDescriptor"].update(Location=location))
    if not reader.take("TBLPROPERTIES"):
        raise NotSupportedError(f"ALTER TABLE SET {reader.peek()}")
    pairs = reader.string_pairs()
    return _update(lambda table: table.setdefault("Parameters", {}).update(pairs))


def _update(edit: Callable[[dict[str, Any]], None]) -> Change:
    def change(environment: Environment, database: str, table: dict[str, Any]) -> None:
        if is_iceberg(table):
            raise NotSupportedError("ALTER TABLE SET of an Iceberg table")
        edit(table)
        environment.glue.call("UpdateTable", DatabaseName=database, TableInput=table_input(table))

    return change


def _replace_columns(reader: Reader) -> Change:
    return _columns(reader, replace=True)


_CHANGES: Final[dict[tuple[str, ...], Callable[[Reader], Change]]] = {
    ("ADD", "COLUMNS"): _add_columns,
    ("REPLACE", "COLUMNS"): _replace_columns,
    ("ADD",): _add_partitions,
    ("DROP",): _drop_partitions,
    ("PARTITION",): _partition,
    ("SET",): _set,
}


def read_alter(reader: Reader) -> AlterTable:
    """Read ``ALTER TABLE``."""
    reader.expect("ALTER")
    if not reader.take("TABLE"):
        raise NotSupportedError(f"statement ALTER {reader.peek()}")
    name = TableName(tuple(reader.name()))
    for words, read in _CHANGES.items():
        if reader.take(*words):
            return AlterTable(name, read(reader))
    raise NotSupportedError(f"ALTER TABLE {reader.peek()}")


def read_repair(reader: Reader) -> Repair:
    """Read ``MSCK REPAIR TABLE name``."""
    reader.expect("MSCK", "REPAIR", "TABLE")
    name = TableName(tuple(reader.name()))
    reader.finish()
    return Repair(name)
