"""Writes what a crawl found into the catalog, by the crawler's policies, and counts it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from localaws.crawler.definition import Definition, S3Target
from localaws.crawler.descriptors import partition_input, table_input
from localaws.crawler.discover import FoundIceberg
from localaws.crawler.layout import FoundTable
from localaws.crawler.types import of_iceberg, render
from localaws.glue.service import Catalog
from localaws.service import AwsError
from localaws.storage import split_uri

Document = dict[str, Any]

_UNSAFE = re.compile(r"[^a-z0-9_]")
_CRAWLER_PARAMETER = "UPDATED_BY_CRAWLER"
_DEPRECATED_PARAMETER = "DEPRECATED_BY_CRAWLER"
_SERVER_FIELDS = frozenset(
    {
        "CatalogId",
        "CreateTime",
        "CreatedBy",
        "CreationTime",
        "DatabaseName",
        "IsRegisteredWithLakeFormation",
        "TableName",
        "UpdateTime",
        "VersionId",
    }
)
_MOST_PARTITIONS = 100


@dataclass
class Counts:
    """What a crawl changed, by kind: tables and partitions added, updated and deleted."""

    tables: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("ADD", "UPDATE", "DELETE"), 0))
    partitions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("ADD", "UPDATE", "DELETE"), 0))


class Publisher:
    """Writes one crawl.

    Parameters
    ----------
    catalog
        Where to.
    definition
        The crawler, with its policies.
    now
        When the crawl runs, for tables that it deprecates.
    """

    def __init__(self, catalog: Catalog, definition: Definition, now: datetime) -> None:
        self._catalog = catalog
        self._definition = definition
        self._now = now
        self._seen: set[str] = set()
        self.counts = Counts()

    def ensure_database(self) -> None:
        """Make the crawler's database when it is missing."""
        name = self._definition.database
        try:
            self._catalog.call("GetDatabase", Name=name)
        except AwsError:
            self._catalog.call("CreateDatabase", DatabaseInput={"Name": name})

    def known_folders(self) -> frozenset[str]:
        """Return the locations of all partitions that this crawler made."""
        return frozenset(
            partition["StorageDescriptor"]["Location"]
            for table in self._own_tables()
            for partition in self._partitions(table["Name"])
        )

    def publish(self, target: S3Target, table: FoundTable) -> None:
        """Write one found table and its partitions."""
        location = _location(target, table.folders)
        if len(table.objects) == 1 and table.folders and table.folders[-1] == table.objects[0].name:
            location = location.removesuffix("/")
        name = self._name(location)
        given = table_input(name, self._definition.name, location, table)
        existing = self._existing(name)
        if existing is None:
            self._catalog.call("CreateTable", DatabaseName=self._definition.database, TableInput=given)
            self.counts.tables["ADD"] += 1
        elif self._definition.update == "UPDATE_IN_DATABASE":
            given = self._merged(existing, given)
            self._update(existing, given)
        self._seen.add(name)
        if table.partition_keys:
            self._publish_partitions(target, name, given, table)

    def catalog_target(self, name: str) -> S3Target:
        """Return where a table of the catalog says that its objects are."""
        location = self._table(name)["StorageDescriptor"].get("Location", "")
        bucket, prefix = split_uri(location)
        return S3Target(bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/", (), None)

    def publish_into(self, name: str, target: S3Target, tables: Sequence[FoundTable]) -> None:
        """Bring a table of the catalog up to date with what lies at its location; it keeps its keys."""
        existing = self._table(name)
        keys = tuple(key["Name"] for key in existing.get("PartitionKeys", []))
        if not tables:
            return
        if len(tables) > 1 or len(tables[0].partition_keys) != len(keys):
            raise AwsError(
                "InvalidInputException",
                f"What lies where table {name} says is not one table with its {len(keys)} partition keys",
            )
        table = replace(tables[0], partition_keys=keys)
        found = table_input(name, self._definition.name, _location(target, ()), table)
        given = {
            **{key: value for key, value in existing.items() if key not in _SERVER_FIELDS},
            "Parameters": {**existing.get("Parameters", {}), **found["Parameters"]},
            "StorageDescriptor": found["StorageDescriptor"],
        }
        if self._definition.update == "UPDATE_IN_DATABASE":
            given = self._merged(existing, given)
            self._update(existing, given)
        if keys:
            self._publish_partitions(target, name, given, table)

    def publish_iceberg(self, found: FoundIceberg) -> None:
        """Register an Iceberg table; one that another writer commits to keeps its own pointer."""
        location = found.location.rstrip("/")
        name = self._name(location)
        given = self._iceberg_input(name, location, found)
        existing = self._existing(name)
        self._seen.add(name)
        if existing is None:
            self._catalog.call("CreateTable", DatabaseName=self._definition.database, TableInput=given)
            self.counts.tables["ADD"] += 1
        elif self._is_own(existing) and self._definition.update == "UPDATE_IN_DATABASE":
            self._update(existing, given)

    def drop_vanished(self) -> None:
        """Treat tables and partitions whose objects are gone as the delete policy says."""
        for table in self._own_tables():
            if table["Name"] not in self._seen:
                self._drop_table(table)

    def _publish_partitions(self, target: S3Target, name: str, given: Document, table: FoundTable) -> None:
        stored = {tuple(each["Values"]): each for each in self._partitions(name)}
        found: dict[tuple[str, ...], Document] = {}
        for partition in table.partitions():
            location = _location(target, partition.folders)
            document = partition_input(self._definition.name, location, table, partition)
            if self._definition.inherit:
                document["StorageDescriptor"] = {**given["StorageDescriptor"], "Location": location}
            found[partition.values] = document
        self._add_partitions(name, [found[values] for values in found if values not in stored])
        if self._definition.update == "UPDATE_IN_DATABASE":
            for values in found.keys() & stored.keys():
                self._update_partition(name, stored[values], found[values])
        if not self._definition.new_folders_only:
            for values in stored.keys() - found.keys():
                self._drop_partition(name, stored[values])

    def _add_partitions(self, name: str, documents: list[Document]) -> None:
        for start in range(0, len(documents), _MOST_PARTITIONS):
            batch = documents[start : start + _MOST_PARTITIONS]
            answer = self._catalog.call(
                "BatchCreatePartition",
                DatabaseName=self._definition.database,
                TableName=name,
                PartitionInputList=batch,
            )
            self.counts.partitions["ADD"] += len(batch) - len(answer["Errors"])

    def _update_partition(self, name: str, stored: Document, found: Document) -> None:
        if _comparable(stored) == _comparable(found):
            return
        self._catalog.call(
            "UpdatePartition",
            DatabaseName=self._definition.database,
            TableName=name,
            PartitionValueList=stored["Values"],
            PartitionInput=found,
        )
        self.counts.partitions["UPDATE"] += 1

    def _drop_partition(self, name: str, stored: Document) -> None:
        where = {"DatabaseName": self._definition.database, "TableName": name}
        if self._definition.delete == "DELETE_FROM_DATABASE":
            self._catalog.call("DeletePartition", **where, PartitionValues=stored["Values"])
            self.counts.partitions["DELETE"] += 1
        elif self._definition.delete == "DEPRECATE_IN_DATABASE" and not _is_deprecated(stored):
            self._catalog.call(
                "UpdatePartition",
                **where,
                PartitionValueList=stored["Values"],
                PartitionInput=self._deprecated(stored),
            )
            self.counts.partitions["UPDATE"] += 1

    def _drop_table(self, table: Document) -> None:
        if self._definition.delete == "DELETE_FROM_DATABASE":
            self._catalog.call("DeleteTable", DatabaseName=self._definition.database, Name=table["Name"])
            self.counts.tables["DELETE"] += 1
        elif self._definition.delete == "DEPRECATE_IN_DATABASE" and not _is_deprecated(table):
            self._update(table, self._deprecated(table))

    def _update(self, existing: Document, given: Document) -> None:
        if _comparable(existing) == _comparable(given):
            return
        self._catalog.call(
            "UpdateTable",
            DatabaseName=self._definition.database,
            TableInput=given,
            VersionId=existing["VersionId"],
        )
        self.counts.tables["UPDATE"] += 1

    def _merged(self, existing: Document, given: Document) -> Document:
        if not self._definition.merge_new_columns:
            return given
        old = existing["StorageDescriptor"]["Columns"]
        known = {column["Name"] for column in old}
        added = [column for column in given["StorageDescriptor"]["Columns"] if column["Name"] not in known]
        return {**given, "StorageDescriptor": {**given["StorageDescriptor"], "Columns": old + added}}

    def _iceberg_input(self, name: str, location: str, found: FoundIceberg) -> Document:
        columns = [
            {"Name": each["name"].lower(), "Type": render(of_iceberg(each["type"]))} for each in found.fields
        ]
        return {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Retention": 0,
            "PartitionKeys": [],
            "Parameters": {
                "table_type": "ICEBERG",
                "metadata_location": found.metadata_location,
                "classification": "iceberg",
                _CRAWLER_PARAMETER: self._definition.name,
            },
            "StorageDescriptor": {
                "Columns": columns,
                "Location": location,
                "Compressed": False,
                "NumberOfBuckets": 0,
                "StoredAsSubDirectories": False,
            },
        }

    def _deprecated(self, document: Document) -> Document:
        stamp = str(round(self._now.timestamp() * 1000))
        kept = {key: value for key, value in document.items() if key not in _SERVER_FIELDS}
        return {**kept, "Parameters": {**document.get("Parameters", {}), _DEPRECATED_PARAMETER: stamp}}

    def _name(self, location: str) -> str:
        """Return the table's name; one that another location has taken gets a suffix from its own."""
        last = location.rstrip("/").rpartition("/")[2]
        name = _UNSAFE.sub("_", f"{self._definition.table_prefix}{last}".lower())
        existing = self._existing(name)
        if existing is None or _same_location(existing, location):
            return name
        return f"{name}_{hashlib.sha256(location.encode()).hexdigest()[:32]}"

    def _table(self, name: str) -> Document:
        found: Document = self._catalog.call("GetTable", DatabaseName=self._definition.database, Name=name)
        table: Document = found["Table"]
        return table

    def _existing(self, name: str) -> Document | None:
        try:
            table = self._table(name)
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            return None
        return table

    def _own_tables(self) -> list[Document]:
        tables = self._all("GetTables", "TableList", DatabaseName=self._definition.database)
        return [table for table in tables if self._is_own(table)]

    def _is_own(self, table: Document) -> bool:
        return bool(table.get("Parameters", {}).get(_CRAWLER_PARAMETER) == self._definition.name)

    def _partitions(self, name: str) -> list[Document]:
        return self._all(
            "GetPartitions", "Partitions", DatabaseName=self._definition.database, TableName=name
        )

    def _all(self, operation: str, member: str, **payload: str) -> list[Document]:
        answer = self._catalog.call(operation, **payload)
        found: list[Document] = answer[member]
        while "NextToken" in answer:
            answer = self._catalog.call(operation, **payload, NextToken=answer["NextToken"])
            found += answer[member]
        return found


def _location(target: S3Target, folders: tuple[str, ...]) -> str:
    return f"s3://{target.bucket}/{target.prefix}" + "".join(f"{folder}/" for folder in folders)


def _same_location(table: Document, location: str) -> bool:
    stored = str(table.get("StorageDescriptor", {}).get("Location", ""))
    return stored.rstrip("/") == location.rstrip("/")


def _is_deprecated(document: Document) -> bool:
    return _DEPRECATED_PARAMETER in document.get("Parameters", {})


def _comparable(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in _SERVER_FIELDS}
