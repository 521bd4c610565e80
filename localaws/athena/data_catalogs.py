"""Data catalogs, and the databases and tables of the one that there is: Glue's."""

from __future__ import annotations

import re
from typing import Any, Final

from localaws.athena.glue_access import Glue, pages
from localaws.athena.requests import page
from localaws.service import AwsError, Handler, Payload

_NAME: Final = "AwsDataCatalog"


class DataCatalogs:
    """The operations on catalogs and what is in them."""

    def __init__(self, glue: Glue, account_id: str) -> None:
        self._glue = glue
        self._account_id = account_id
        self.operations: dict[str, Handler] = {
            "GetDataCatalog": self._catalog,
            "GetDatabase": self._database,
            "GetTableMetadata": self._table,
            "ListDataCatalogs": self._catalogs,
            "ListDatabases": self._databases,
            "ListTableMetadata": self._tables,
        }

    def _require(self, name: str) -> None:
        if name.lower() != _NAME.lower():
            raise AwsError("InvalidRequestException", f"Data catalog {name} was not found")

    def _catalog(self, payload: Payload) -> Payload:
        self._require(payload["Name"])
        parameters = {"catalog-id": self._account_id}
        return {
            "DataCatalog": {
                "Name": _NAME,
                "Type": "GLUE",
                "Parameters": parameters,
                "Status": "CREATE_COMPLETE",
            }
        }

    def _catalogs(self, payload: Payload) -> Payload:
        summary = {"CatalogName": _NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"}
        return page([summary], payload, "DataCatalogsSummary")

    def _database(self, payload: Payload) -> Payload:
        self._require(payload["CatalogName"])
        return {"Database": _database(self._call("GetDatabase", Name=payload["DatabaseName"])["Database"])}

    def _databases(self, payload: Payload) -> Payload:
        self._require(payload["CatalogName"])
        found = [_database(item) for item in pages(self._glue, "GetDatabases", "DatabaseList")]
        return page(found, payload, "DatabaseList")

    def _table(self, payload: Payload) -> Payload:
        self._require(payload["CatalogName"])
        answer = self._call("GetTable", DatabaseName=payload["DatabaseName"], Name=payload["TableName"])
        return {"TableMetadata": _metadata(answer["Table"])}

    def _tables(self, payload: Payload) -> Payload:
        self._require(payload["CatalogName"])
        self._call("GetDatabase", Name=payload["DatabaseName"])
        pattern = re.compile(payload.get("Expression") or ".*", re.IGNORECASE)
        found = [
            _metadata(item)
            for item in pages(self._glue, "GetTables", "TableList", DatabaseName=payload["DatabaseName"])
            if pattern.fullmatch(item["Name"])
        ]
        return page(found, payload, "TableMetadataList")

    def _call(self, operation: str, **payload: Any) -> Payload:
        try:
            return self._glue.call(operation, **payload)
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            raise AwsError("MetadataException", error.message) from error


def _database(item: dict[str, Any]) -> Payload:
    shown = {
        "Name": item["Name"],
        "Description": item.get("Description"),
        "Parameters": item.get("Parameters") or {},
    }
    return {key: value for key, value in shown.items() if value is not None}


def _metadata(item: dict[str, Any]) -> Payload:
    storage = item.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    parameters = {
        **(item.get("Parameters") or {}),
        "location": storage.get("Location"),
        "inputformat": storage.get("InputFormat"),
        "outputformat": storage.get("OutputFormat"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
        **{f"serde.param.{key}": value for key, value in (serde.get("Parameters") or {}).items()},
    }
    shown = {
        "Name": item["Name"],
        "CreateTime": item.get("CreateTime"),
        "LastAccessTime": item.get("LastAccessTime"),
        "TableType": item.get("TableType"),
        "Columns": storage.get("Columns") or [],
        "PartitionKeys": item.get("PartitionKeys") or [],
        "Parameters": {key: value for key, value in parameters.items() if value is not None},
    }
    return {key: value for key, value in shown.items() if value is not None}
