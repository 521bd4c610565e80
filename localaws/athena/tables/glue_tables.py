"""Finding tables and views in the Glue catalog."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import duckdb

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.glue_access import CATALOG, Glue, partitions_of
from localaws.athena.sql.catalog import Predicate, TableColumn, Version, View
from localaws.athena.sql.type_text import parse_type
from localaws.athena.tables.binding import Bindable, BindSession
from localaws.athena.tables.hive import HiveTable, Partition
from localaws.athena.tables.iceberg import IcebergTable, load, snapshot_at
from localaws.athena.tables.iceberg_metadata import metadata_table
from localaws.athena.tables.projection import is_projected, projected_values
from localaws.service import AwsError

_VIEW_PREFIX: Final = "/* Presto View: "
_VIEW_SUFFIX: Final = " */"


@dataclass(frozen=True)
class GlueTables:
    """Finds what a query names.

    Parameters
    ----------
    glue
        The catalog.
    account_id
        Whose lake it is.
    now
        The time of the query, for projected dates.
    constants
        Connection on which versions are computed.
    """

    glue: Glue
    account_id: str
    now: datetime
    constants: duckdb.DuckDBPyConnection

    def find(self, name: Sequence[str], database: str, version: Version | None) -> Bindable | View:
        """Return the table or view of a name of one to three parts."""
        *catalog, schema, table = name if len(name) > 1 else (database, name[0])
        if catalog and catalog[0] != CATALOG:
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{catalog[0]}' does not exist")
        base, dollar, kind = table.partition("$")
        described = self.describe(schema, base if dollar and kind else table)
        if not is_iceberg(described):
            if version is not None or (dollar and kind != "partitions"):
                raise NotSupportedError(f"'{table}': versions and metadata of a table that is not Iceberg")
            return self._hive_or_view(described, schema, table)
        iceberg = load(described["Parameters"]["metadata_location"], self.account_id)
        if dollar and kind:
            return metadata_table(iceberg, kind)
        value = self._value(version) if version is not None else None
        return IcebergTable(iceberg, snapshot_at(iceberg, version, value), version is not None)

    def describe(self, database: str, table: str) -> dict[str, Any]:
        """Return Glue's description of a table."""
        try:
            answer = self.glue.call("GetTable", DatabaseName=database, Name=table)
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            raise self._missing(database, table) from error
        found: dict[str, Any] = answer["Table"]
        return found

    def _missing(self, database: str, table: str) -> QueryError:
        try:
            self.glue.call("GetDatabase", Name=database)
        except AwsError:
            return QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
        return QueryError("TABLE_NOT_FOUND", f"Table '{CATALOG}.{database}.{table}' does not exist")

    def _hive_or_view(self, described: dict[str, Any], schema: str, table: str) -> Bindable | View:
        if described.get("TableType") == "VIRTUAL_VIEW":
            return view_of(described, schema)
        if "$" in table:
            raise NotSupportedError(f"table '{table}'")
        return HiveTable(schema, table, described, self._partitions)

    def _value(self, version: Version) -> Any:
        ((value,),) = self.constants.execute(f"SELECT {version.sql}").fetchall()
        return value

    def _partitions(
        self, table: HiveTable, predicates: list[Predicate], session: BindSession
    ) -> list[Partition]:
        keys = [key.name for key in table.keys]
        if not keys:
            return [Partition((), table.location)]
        if is_projected(table.parameters):
            values = projected_values(keys, table.parameters, predicates, session, self.now)
            return [Partition(v, _projected_location(table, keys, v)) for v in values]
        return [
            Partition(tuple(p["Values"]), p["StorageDescriptor"]["Location"])
            for p in partitions_of(self.glue, table.database, table.name)
        ]


def is_iceberg(described: dict[str, Any]) -> bool:
    """Whether Glue says that a table is an Iceberg table."""
    parameters = described.get("Parameters") or {}
    return str(parameters.get("table_type", "")).upper() == "ICEBERG"


def view_of(described: dict[str, Any], database: str) -> View:
    """Return a stored view, which Athena keeps as base64 of JSON in a comment."""
    text = str(described.get("ViewOriginalText") or "")
    if not (text.startswith(_VIEW_PREFIX) and text.endswith(_VIEW_SUFFIX)):
        raise NotSupportedError(f"view {database}.{described['Name']}, which Athena did not make,")
    body = json.loads(base64.b64decode(text[len(_VIEW_PREFIX) : -len(_VIEW_SUFFIX)]))
    columns = [TableColumn(column["name"].lower(), parse_type(column["type"])) for column in body["columns"]]
    return View(body["originalSql"], str(body.get("schema") or database).lower(), columns)


def view_text(view: View) -> str:
    """Return the text that Glue keeps for a view."""
    body = {
        "originalSql": view.sql,
        "catalog": CATALOG,
        "schema": view.database,
        "columns": [{"name": column.name, "type": str(column.type)} for column in view.columns],
    }
    encoded = base64.b64encode(json.dumps(body, separators=(",", ":")).encode()).decode()
    return f"{_VIEW_PREFIX}{encoded}{_VIEW_SUFFIX}"


def _projected_location(table: HiveTable, keys: list[str], values: tuple[str, ...]) -> str:
    template = table.parameters.get("storage.location.template")
    if template is None:
        return (
            table.location.rstrip("/") + "/" + "/".join(f"{k}={v}" for k, v in zip(keys, values, strict=True))
        )
    for key, value in zip(keys, values, strict=True):
        template = template.replace(f"${{{key}}}", value)
    return template
