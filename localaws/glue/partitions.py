"""Operations on partitions."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from localaws.glue.expression import compile_expression
from localaws.glue.paging import page, start_after
from localaws.glue.tables import detail, missing_table, storage_descriptor
from localaws.service import AwsError, Context, Payload
from localaws.store import Document, Store, decode, encode

_PAGE = 1000
_FROM_TABLE = "FROM partitions WHERE database_name = ? AND table_name = ?"


class Partitions:
    """The partitions of the catalog's tables.

    Parameters
    ----------
    context
        Clock and account.
    store
        Where the catalog lies.
    """

    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store
        self.operations = {
            "BatchCreatePartition": self.batch_create,
            "BatchDeletePartition": self.batch_delete,
            "BatchGetPartition": self.batch_get,
            "BatchUpdatePartition": self.batch_update,
            "CreatePartition": self.create,
            "DeletePartition": self.delete,
            "GetPartition": self.get,
            "GetPartitions": self.list_all,
            "UpdatePartition": self.update,
        }

    def create(self, payload: Payload) -> Payload:
        """CreatePartition."""
        with self._store.transaction():
            self._add(*_table_of(payload), payload["PartitionInput"])
        return {}

    def batch_create(self, payload: Payload) -> Payload:
        """BatchCreatePartition: those that exist come back as errors, the others are made."""
        database, table = _table_of(payload)
        with self._store.transaction():
            self._keys(database, table)
            errors = _failures(
                payload["PartitionInputList"],
                lambda given: self._add(database, table, given),
                lambda given: {"PartitionValues": given.get("Values", [])},
            )
        return {"Errors": errors}

    def get(self, payload: Payload) -> Payload:
        """GetPartition."""
        return {"Partition": self._stored(*_table_of(payload), payload["PartitionValues"])}

    def batch_get(self, payload: Payload) -> Payload:
        """BatchGetPartition: those that are missing are left out."""
        database, table = _table_of(payload)
        self._keys(database, table)
        wanted = [encode(item["Values"]) for item in payload["PartitionsToGet"]]
        found = [self._row(database, table, values) for values in wanted]
        return {"Partitions": [each for each in found if each is not None], "UnprocessedKeys": []}

    def list_all(self, payload: Payload) -> Payload:
        """GetPartitions, in the order of values, by expression and segment."""
        database, table = _table_of(payload)
        passes = compile_expression(payload.get("Expression", ""), self._keys(database, table))
        segment = payload.get("Segment")
        rows = self._store.rows(
            f"SELECT partition_values, document {_FROM_TABLE} AND partition_values > ? ORDER BY 1",
            database,
            table,
            start_after(payload),
        )
        found = (
            (values, decode(document))
            for values, document in rows
            if _in_segment(values, segment) and passes(decode(values))
        )
        shown, more = page(found, lambda item: str(item[0]), payload, _PAGE)
        exclude = payload.get("ExcludeColumnSchema", False)
        return {"Partitions": [_without_columns(each) if exclude else each for _, each in shown], **more}

    def update(self, payload: Payload) -> Payload:
        """UpdatePartition; new values move the partition."""
        database, table = _table_of(payload)
        with self._store.transaction():
            self._replace(database, table, payload["PartitionValueList"], payload["PartitionInput"])
        return {}

    def batch_update(self, payload: Payload) -> Payload:
        """BatchUpdatePartition."""
        database, table = _table_of(payload)
        with self._store.transaction():
            self._keys(database, table)
            errors = _failures(
                payload["Entries"],
                lambda entry: self._replace(
                    database, table, entry["PartitionValueList"], entry["PartitionInput"]
                ),
                lambda entry: {"PartitionValueList": entry["PartitionValueList"]},
            )
        return {"Errors": errors}

    def delete(self, payload: Payload) -> Payload:
        """DeletePartition."""
        self._remove(*_table_of(payload), payload["PartitionValues"])
        return {}

    def batch_delete(self, payload: Payload) -> Payload:
        """BatchDeletePartition."""
        database, table = _table_of(payload)
        with self._store.transaction():
            self._keys(database, table)
            errors = _failures(
                payload["PartitionsToDelete"],
                lambda item: self._remove(database, table, item["Values"]),
                lambda item: {"PartitionValues": item["Values"]},
            )
        return {"Errors": errors}

    def _add(self, database: str, table: str, given: Document) -> None:
        document = self._document(database, table, given)
        added = self._store.execute(
            "INSERT INTO partitions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            database,
            table,
            encode(document["Values"]),
            encode(document),
        )
        if not added:
            message = f"Partition {document['Values']} of {database}.{table} already exists."
            raise AwsError("AlreadyExistsException", message)

    def _replace(self, database: str, table: str, values: list[str], given: Document) -> None:
        old = self._stored(database, table, values)
        document = self._document(database, table, {**given, "Values": given.get("Values") or values})
        document["CreationTime"] = old["CreationTime"]
        moved = encode(document["Values"])
        if document["Values"] != values and self._row(database, table, moved) is not None:
            message = f"Partition {document['Values']} of {database}.{table} already exists."
            raise AwsError("AlreadyExistsException", message)
        self._store.execute(
            "UPDATE partitions SET partition_values = ?, document = ? "
            "WHERE database_name = ? AND table_name = ? AND partition_values = ?",
            moved,
            encode(document),
            database,
            table,
            encode(values),
        )

    def _remove(self, database: str, table: str, values: list[str]) -> None:
        removed = self._store.execute(
            f"DELETE {_FROM_TABLE} AND partition_values = ?",
            database,
            table,
            encode(values),
        )
        if not removed:
            self._keys(database, table)
            raise _missing_partition(database, table, values)

    def _stored(self, database: str, table: str, values: list[str]) -> Document:
        found = self._row(database, table, encode(values))
        if found is None:
            self._keys(database, table)
            raise _missing_partition(database, table, values)
        return found

    def _row(self, database: str, table: str, values: str) -> Document | None:
        row = self._store.row(
            f"SELECT document {_FROM_TABLE} AND partition_values = ?",
            database,
            table,
            values,
        )
        return None if row is None else decode(row[0])

    def _keys(self, database: str, table: str) -> list[Document]:
        row = self._store.row(
            "SELECT document FROM tables WHERE database_name = ? AND name = ?", database, table
        )
        if row is None:
            raise missing_table(database, table)
        keys: list[Document] = decode(row[0])["PartitionKeys"]
        return keys

    def _document(self, database: str, table: str, given: Document) -> Document:
        values, keys = given.get("Values", []), self._keys(database, table)
        if len(values) != len(keys):
            names = ", ".join(key["Name"] for key in keys) or "none"
            message = f"{values} does not fit the partition keys of {database}.{table}: {names}"
            raise AwsError("InvalidInputException", message)
        document = {
            **{key: value for key, value in given.items() if value is not None},
            "Values": values,
            "DatabaseName": database,
            "TableName": table,
            "CreationTime": self._context.clock.now().timestamp(),
            "CatalogId": self._context.account_id,
        }
        if "StorageDescriptor" in document:
            document["StorageDescriptor"] = storage_descriptor(document["StorageDescriptor"])
        return document


def _table_of(payload: Payload) -> tuple[str, str]:
    return payload["DatabaseName"].lower(), payload["TableName"].lower()


def _missing_partition(database: str, table: str, values: list[str]) -> AwsError:
    return AwsError("EntityNotFoundException", f"Partition {values} of {database}.{table} not found.")


def _failures(
    items: list[Any], work: Callable[[Any], None], name: Callable[[Any], Document]
) -> list[Document]:
    def attempt() -> Iterator[Document]:
        for item in items:
            try:
                work(item)
            except AwsError as error:
                yield {**name(item), "ErrorDetail": detail(error)}

    return list(attempt())


def _in_segment(values: str, segment: Document | None) -> bool:
    if segment is None:
        return True
    number: int = segment["SegmentNumber"]
    return bool(zlib.crc32(values.encode()) % segment["TotalSegments"] == number)


def _without_columns(partition: Document) -> Document:
    descriptor = partition.get("StorageDescriptor")
    if descriptor is None:
        return partition
    return {**partition, "StorageDescriptor": {**descriptor, "Columns": []}}
