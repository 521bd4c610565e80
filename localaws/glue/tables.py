"""Operations on tables and their versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from localaws.glue.databases import missing_database
from localaws.glue.paging import page, start_after
from localaws.service import AwsError, Context, Payload
from localaws.store import Document, Store, decode, encode

_PAGE = 100
_SELECT = "SELECT version, document FROM tables WHERE database_name = ? AND name = ?"
_ARCHIVED = "SELECT version, document FROM table_versions WHERE database_name = ? AND name = ?"


class Tables:
    """The tables of the catalog, each change of which is one atomic step.

    Parameters
    ----------
    context
        Clock, account and region.
    store
        Where the catalog lies.
    """

    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store
        self.operations = {
            "BatchDeleteTable": self.batch_delete,
            "BatchDeleteTableVersion": self.batch_delete_versions,
            "CreateTable": self.create,
            "DeleteTable": self.delete,
            "DeleteTableVersion": self.delete_version,
            "GetPartitionIndexes": self.list_indexes,
            "GetTable": self.get,
            "GetTableVersion": self.get_version,
            "GetTableVersions": self.list_versions,
            "GetTables": self.list_all,
            "SearchTables": self.search,
            "UpdateTable": self.update,
        }

    def create(self, payload: Payload) -> Payload:
        """CreateTable; of two clients that create the same table, one is refused."""
        _refuse(payload, "OpenTableFormatInput", "PartitionIndexes")
        database, given = payload["DatabaseName"].lower(), _table_input(payload)
        now = self._context.clock.now().timestamp()
        document = self._document(database, given, created_at=now, updated_at=now)
        with self._store.transaction():
            self._require_database(database)
            added = self._store.execute(
                "INSERT INTO tables VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING",
                database,
                document["Name"],
                encode(document),
            )
        if not added:
            raise AwsError("AlreadyExistsException", f"Table {database}.{document['Name']} already exists.")
        return {}

    def update(self, payload: Payload) -> Payload:
        """UpdateTable: with ``VersionId``, only if that is still the table's version."""
        _refuse(payload, "UpdateOpenTableFormatInput", "ViewUpdateAction")
        database, given = payload["DatabaseName"].lower(), _table_input(payload)
        name, wanted = given["Name"].lower(), payload.get("VersionId")
        now = self._context.clock.now().timestamp()
        with self._store.transaction():
            version, old = self._stored(database, name)
            if wanted is not None and wanted != str(version):
                message = f"Update table failed: {database}.{name} is at version {version}, not {wanted}."
                raise AwsError("ConcurrentModificationException", message)
            document = self._document(database, given, created_at=old["CreateTime"], updated_at=now)
            if not payload.get("SkipArchive", False):
                self._archive(database, name, version, old)
            self._store.execute(
                "UPDATE tables SET version = ?, document = ? WHERE database_name = ? AND name = ?",
                version + 1,
                encode(document),
                database,
                name,
            )
        return {}

    def get(self, payload: Payload) -> Payload:
        """GetTable."""
        return {"Table": _shown(*self._stored(payload["DatabaseName"].lower(), payload["Name"].lower()))}

    def list_all(self, payload: Payload) -> Payload:
        """GetTables, in the order of names; ``Expression`` is a regular expression for the name."""
        database = payload["DatabaseName"].lower()
        self._require_database(database)
        wanted = _name_pattern(payload.get("Expression"))
        rows = self._store.rows(
            "SELECT version, document FROM tables WHERE database_name = ? AND name > ? ORDER BY name",
            database,
            start_after(payload),
        )
        tables = (_shown(version, decode(document)) for version, document in rows)
        named = (table for table in tables if wanted.fullmatch(table["Name"]))
        shown, more = page(named, lambda table: str(table["Name"]), payload, _PAGE)
        return {"TableList": shown, **more}

    def search(self, payload: Payload) -> Payload:
        """SearchTables: text in names, descriptions, columns or parameters, and filters that equal."""
        text = payload.get("SearchText", "").strip('"').lower()
        found = (
            table
            for table in self._all_after(start_after(payload))
            if text in _searchable(table) and all(_passes(table, each) for each in payload.get("Filters", []))
        )
        shown, more = page(found, _full_name, payload, _PAGE)
        return {"TableList": shown, **more}

    def list_indexes(self, payload: Payload) -> Payload:
        """GetPartitionIndexes: none, for none can be made."""
        self._stored(payload["DatabaseName"].lower(), payload["TableName"].lower())
        return {"PartitionIndexDescriptorList": []}

    def delete(self, payload: Payload) -> Payload:
        """DeleteTable, with its partitions and versions."""
        database, name = payload["DatabaseName"].lower(), payload["Name"].lower()
        if not self._store.execute("DELETE FROM tables WHERE database_name = ? AND name = ?", database, name):
            raise missing_table(database, name)
        return {}

    def batch_delete(self, payload: Payload) -> Payload:
        """BatchDeleteTable."""
        errors = []
        for name in payload["TablesToDelete"]:
            try:
                self.delete({"DatabaseName": payload["DatabaseName"], "Name": name})
            except AwsError as error:
                errors.append({"TableName": name, "ErrorDetail": detail(error)})
        return {"Errors": errors}

    def get_version(self, payload: Payload) -> Payload:
        """GetTableVersion; without a version, the current one."""
        versions = self._versions(payload)
        wanted = payload.get("VersionId") or versions[0]["VersionId"]
        for version in versions:
            if version["VersionId"] == wanted:
                return {"TableVersion": version}
        raise AwsError("EntityNotFoundException", f"version {wanted} of {payload['TableName']} not found.")

    def list_versions(self, payload: Payload) -> Payload:
        """GetTableVersions, newest first."""
        after = start_after(payload)
        versions = (
            each for each in self._versions(payload) if not after or int(each["VersionId"]) < int(after)
        )
        shown, more = page(versions, lambda version: str(version["VersionId"]), payload, _PAGE)
        return {"TableVersions": shown, **more}

    def delete_version(self, payload: Payload) -> Payload:
        """DeleteTableVersion; the current version stays."""
        database, name = payload["DatabaseName"].lower(), payload["TableName"].lower()
        current, _ = self._stored(database, name)
        wanted = payload["VersionId"]
        if wanted == str(current):
            raise AwsError(
                "InvalidInputException", f"version {wanted} is the current one of {database}.{name}"
            )
        removed = self._store.execute(
            "DELETE FROM table_versions WHERE database_name = ? AND name = ? AND version = ?",
            database,
            name,
            wanted,
        )
        if not removed:
            raise AwsError("EntityNotFoundException", f"version {wanted} of {database}.{name} not found.")
        return {}

    def batch_delete_versions(self, payload: Payload) -> Payload:
        """BatchDeleteTableVersion."""
        errors = []
        for version in payload["VersionIds"]:
            try:
                self.delete_version({**payload, "VersionId": version})
            except AwsError as error:
                failed = {
                    "TableName": payload["TableName"],
                    "VersionId": version,
                    "ErrorDetail": detail(error),
                }
                errors.append(failed)
        return {"Errors": errors}

    def _versions(self, payload: Payload) -> list[Document]:
        database, name = payload["DatabaseName"].lower(), payload["TableName"].lower()
        with self._store.transaction():
            current = self._stored(database, name)
            archived = self._store.rows(f"{_ARCHIVED} ORDER BY version DESC", database, name)
        found = [current, *((version, decode(document)) for version, document in archived)]
        return [{"Table": _shown(version, table), "VersionId": str(version)} for version, table in found]

    def _archive(self, database: str, name: str, version: int, document: Document) -> None:
        self._store.execute(
            "INSERT INTO table_versions VALUES (?, ?, ?, ?)", database, name, version, encode(document)
        )

    def _stored(self, database: str, name: str) -> tuple[int, Document]:
        row = self._store.row(_SELECT, database, name)
        if row is None:
            self._require_database(database)
            raise missing_table(database, name)
        return row[0], decode(row[1])

    def _all_after(self, full_name: str) -> Iterator[Document]:
        rows = self._store.rows("SELECT version, document FROM tables ORDER BY database_name, name")
        tables = (_shown(version, decode(document)) for version, document in rows)
        return iter(sorted((table for table in tables if _full_name(table) > full_name), key=_full_name))

    def _require_database(self, name: str) -> None:
        if self._store.row("SELECT 1 FROM databases WHERE name = ?", name) is None:
            raise missing_database(name)

    def _document(self, database: str, given: Document, *, created_at: float, updated_at: float) -> Document:
        document = {
            "Retention": 0,
            "PartitionKeys": [],
            **{key: value for key, value in given.items() if value is not None},
            "Name": given["Name"].lower(),
            "DatabaseName": database,
            "CreateTime": created_at,
            "UpdateTime": updated_at,
            "CreatedBy": f"arn:aws:iam::{self._context.account_id}:root",
            "IsRegisteredWithLakeFormation": False,
            "CatalogId": self._context.account_id,
        }
        if "StorageDescriptor" in document:
            document["StorageDescriptor"] = storage_descriptor(document["StorageDescriptor"])
        return document


def storage_descriptor(given: Document) -> Document:
    """Return a storage descriptor with the plain defaults that Glue shows."""
    defaults = {"Compressed": False, "NumberOfBuckets": 0, "StoredAsSubDirectories": False}
    return {**defaults, **{key: value for key, value in given.items() if value is not None}}


def missing_table(database: str, name: str) -> AwsError:
    """Return the refusal for a table that is not there."""
    return AwsError("EntityNotFoundException", f"Table {database}.{name} not found.")


def detail(error: AwsError) -> Document:
    """Return a refusal as part of the answer to a batch."""
    return {"ErrorCode": error.code, "ErrorMessage": error.message}


def _table_input(payload: Payload) -> Document:
    if payload.get("TableInput") is None:
        raise AwsError("InvalidInputException", "TableInput is needed")
    given: Document = payload["TableInput"]
    return given


def _refuse(payload: Payload, *members: str) -> None:
    for member in members:
        if payload.get(member):
            raise AwsError("InvalidInputException", f"Local AWS does not do {member}; see docs/local-aws.md")


def _shown(version: int, document: Document) -> Document:
    return {**document, "VersionId": str(version)}


def _full_name(table: Document) -> str:
    return f"{table['DatabaseName']}.{table['Name']}"


def _name_pattern(expression: str | None) -> re.Pattern[str]:
    try:
        return re.compile(expression if expression is not None else ".*", re.IGNORECASE)
    except re.error as error:
        message = f"Expression {expression!r} is no regular expression: {error}"
        raise AwsError("InvalidInputException", message) from error


def _searchable(table: Document) -> str:
    columns = table.get("StorageDescriptor", {}).get("Columns", [])
    texts = [table["Name"], table["DatabaseName"], table.get("Description", "")]
    texts += [str(column.get(field, "")) for column in columns for field in ("Name", "Comment")]
    texts += [f"{key} {value}" for key, value in table.get("Parameters", {}).items()]
    return "\n".join(texts).lower()


def _passes(table: Document, wanted: Document) -> bool:
    if wanted.get("Comparator", "EQUALS") != "EQUALS":
        message = f"Local AWS searches with EQUALS only, not {wanted['Comparator']}"
        raise AwsError("InvalidInputException", message)
    key, value = wanted.get("Key", ""), str(wanted.get("Value", "")).lower()
    known = {**table.get("Parameters", {}), **table}
    return str(known.get(key, "")).lower() == value
