"""A lake that is a folder, so that what is measured is Firelake and no server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from firelake import iceberg, storage
from firelake.layout import Lake, Zone
from firelake.spec import Dataset
from firelake.tables import LEDGER, quarantine, trusted
from obstore.store import LocalStore
from pyiceberg.catalog.sql import SqlCatalog


@dataclass(frozen=True)
class FolderLake(Lake):
    """A lake whose tables lie in a folder.

    Parameters
    ----------
    folder
        Holds a folder for each bucket, and the catalog.
    """

    folder: Path

    def table_location(self, zone: Zone, table: str) -> str:
        """Return where an Iceberg table's data and metadata lie."""
        return (self.folder / self.bucket(zone) / table).as_uri()


@contextmanager
def folder_lake(raw: Path, out: Path, dataset: Dataset) -> Iterator[FolderLake]:
    """Give a prepared lake in ``out`` whose raw bucket is the folder ``raw``."""
    lake = FolderLake("bench", out.resolve())
    catalog = SqlCatalog("bench", uri=f"sqlite:///{lake.folder / 'catalog.db'}", warehouse=str(lake.folder))
    folders = {lake.bucket(zone): lake.folder / lake.bucket(zone) for zone in Zone}
    folders[lake.bucket(Zone.RAW)] = raw.resolve()

    def store(bucket: str, _endpoint: str | None) -> LocalStore:
        return LocalStore(folders[bucket], mkdir=True)

    with patch.object(storage, "_store", store), patch.object(iceberg, "catalog", lambda: catalog):
        for zone in Zone:
            catalog.create_namespace_if_not_exists(lake.database(zone))
        for declaration in (trusted(dataset), quarantine(dataset), LEDGER):
            declaration.ensure(lake)
        yield lake
