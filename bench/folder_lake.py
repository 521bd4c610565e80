"""A lake that is a folder, so that what is measured is Firelake and no server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from firelake import iceberg, storage
from firelake.layout import Lake, Zone
from firelake.spec import Dataset
from firelake.tables import LEDGER, quarantine, trusted
from obstore.store import LocalStore
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.io import load_file_io
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.table import Table
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties


@dataclass(frozen=True)
class FolderLake(Lake):
    """A lake whose tables lie in a folder.

    Parameters
    ----------
    folder
        Holds a folder for each bucket.
    """

    folder: Path

    def table_location(self, zone: Zone, table: str) -> str:
        """Return where an Iceberg table's data and metadata lie."""
        return (self.folder / self.bucket(zone) / table).as_uri()


class MemoryCatalog(NoopCatalog):
    """What staging asks of a catalog. It commits nothing, so tables need not outlast the process."""

    def __init__(self) -> None:
        super().__init__("bench")
        self._tables: dict[str | Identifier, Table] = {}

    def load_table(self, identifier: str | Identifier) -> Table:
        """Return a table."""
        return self._tables[identifier]

    def create_table_if_not_exists(
        self,
        identifier: str | Identifier,
        schema: Any,
        location: str | None = None,
        partition_spec: PartitionSpec = UNPARTITIONED_PARTITION_SPEC,
        sort_order: SortOrder = UNSORTED_SORT_ORDER,
        properties: Properties = EMPTY_DICT,
    ) -> Table:
        """Return a table, made if it does not exist."""
        if identifier not in self._tables:
            metadata = new_table_metadata(schema, partition_spec, sort_order, str(location), dict(properties))
            name, io = self.identifier_to_tuple(identifier), load_file_io(location=location)
            self._tables[identifier] = Table(name, metadata, f"{location}/metadata", io, self)
        return self._tables[identifier]


@contextmanager
def folder_lake(
    raw: Path, out: Path, dataset: Dataset, catalog: Catalog | None = None
) -> Iterator[FolderLake]:
    """Give a prepared lake in ``out`` whose raw bucket is the folder ``raw``.

    Parameters
    ----------
    catalog
        None for one that can commit.
    """
    lake = FolderLake("bench", out.resolve())
    catalog = catalog or _sql_catalog(lake)
    folders = {lake.bucket(zone): lake.folder / lake.bucket(zone) for zone in Zone}
    folders[lake.bucket(Zone.RAW)] = raw.resolve()

    def store(bucket: str, _endpoint: str | None) -> LocalStore:
        return LocalStore(folders[bucket], mkdir=True)

    with patch.object(storage, "_store", store), patch.object(iceberg, "catalog", lambda: catalog):
        for declaration in (trusted(dataset), quarantine(dataset), LEDGER):
            declaration.ensure(lake)
        yield lake


def _sql_catalog(lake: FolderLake) -> Catalog:
    # Imported by whoever needs it: SQLAlchemy alone takes a quarter of a second.
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("bench", uri=f"sqlite:///{lake.folder / 'catalog.db'}", warehouse=str(lake.folder))
    for zone in Zone:
        catalog.create_namespace_if_not_exists(lake.database(zone))
    return catalog
