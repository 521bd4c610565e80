"""The Glue catalog as a service, and as what other services here call without HTTP."""

from __future__ import annotations

from typing import Any

from localaws.glue.databases import Databases
from localaws.glue.partitions import Partitions
from localaws.glue.store import Store
from localaws.glue.tables import Tables
from localaws.glue.tags import Tags
from localaws.service import Context, Handler, Payload
from localaws.validation import validated


class Catalog:
    """The catalog, in this process: the same data and the same errors as over HTTP.

    Any number may be made: all of them see the same file, and every operation is atomic.

    Parameters
    ----------
    context
        Clock, account and data folder.
    """

    def __init__(self, context: Context) -> None:
        self._store = Store(context.data_dir / "glue" / "catalog.sqlite")
        self.operations: dict[str, Handler] = {
            **Databases(context, self._store).operations,
            **Tables(context, self._store).operations,
            **Partitions(context, self._store).operations,
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
