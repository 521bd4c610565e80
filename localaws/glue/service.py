"""The Glue catalog as a service, and as what other services here call without HTTP."""

from __future__ import annotations

from typing import Any

from localaws.glue.databases import Databases
from localaws.glue.partitions import Partitions
from localaws.glue.statistics import ColumnStatistics
from localaws.glue.tables import Tables
from localaws.glue.tags import Tags
from localaws.service import Context, Handler, Payload
from localaws.store import Store
from localaws.validation import validated

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tables (
    database_name TEXT NOT NULL REFERENCES databases (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (database_name, name));
CREATE TABLE IF NOT EXISTS table_versions (
    database_name TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (database_name, name, version),
    FOREIGN KEY (database_name, name) REFERENCES tables (database_name, name) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS partitions (
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    partition_values TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (database_name, table_name, partition_values),
    FOREIGN KEY (database_name, table_name) REFERENCES tables (database_name, name) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS column_statistics (
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    partition_values TEXT NOT NULL,
    column_name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (database_name, table_name, partition_values, column_name),
    FOREIGN KEY (database_name, table_name) REFERENCES tables (database_name, name) ON DELETE CASCADE);
CREATE TRIGGER IF NOT EXISTS partition_statistics AFTER DELETE ON partitions BEGIN
    DELETE FROM column_statistics
    WHERE database_name = OLD.database_name AND table_name = OLD.table_name
    AND partition_values = OLD.partition_values;
END;
CREATE TABLE IF NOT EXISTS tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key));
"""


class Catalog:
    """The catalog, in this process: the same data and the same errors as over HTTP.

    Any number may be made: all of them see the same file, and every operation is atomic.

    Parameters
    ----------
    context
        Clock, account and data folder.
    """

    def __init__(self, context: Context) -> None:
        self._store = Store(context.data_dir / "glue" / "catalog.sqlite", _SCHEMA)
        self.operations: dict[str, Handler] = {
            **Databases(context, self._store).operations,
            **Tables(context, self._store).operations,
            **Partitions(context, self._store).operations,
            **ColumnStatistics(self._store).operations,
            **Tags(self._store).operations,
        }

    def call(self, operation: str, **payload: Any) -> Payload:
        """Run an operation, such as ``call("GetTable", DatabaseName="d", Name="t")``.

        Raises
        ------
        AwsError
            What a client over HTTP would be refused with.
        """
        return self.operations[operation](payload)

    def close(self) -> None:
        """Close the catalog's file."""
        self._store.close()


class GlueCatalogService:
    """The operations of the Glue Data Catalog."""

    target_prefix = "AWSGlue"

    def __init__(self, context: Context) -> None:
        self._catalog = Catalog(context)
        self.operations = validated("glue", self._catalog.operations)

    def start(self) -> None:
        """Answer at once: the catalog is opened when the service is made."""

    def stop(self) -> None:
        """Close the catalog's file."""
        self._catalog.close()
