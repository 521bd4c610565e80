"""Snapshots that no reader can still be in, and files that no snapshot names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from firelake.iceberg import STAGE_PROPERTY
from firelake.layout import split_uri
from firelake.storage import Bucket


def expired(table: Table, before: datetime) -> list[Snapshot]:
    """Return the snapshots that were replaced before some time.

    A snapshot's own age says nothing: one that is a month old was the current one until its
    successor came, and a reader may have begun in it just then.
    """
    snapshots = sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number or 0)
    cutoff = before.timestamp() * 1000
    current = table.metadata.current_snapshot_id
    return [
        snapshot
        for snapshot, successor in pairwise(snapshots)
        if successor.timestamp_ms < cutoff and snapshot.snapshot_id != current
    ]


def stages_named(table: Table) -> set[str]:
    """Return the addresses of the stages that the table's snapshots were made from."""
    properties = [one.summary.additional_properties for one in table.metadata.snapshots if one.summary]
    return {found[STAGE_PROPERTY] for found in properties if STAGE_PROPERTY in found}


def expire(table: Table, snapshots: Iterable[Snapshot]) -> None:
    """Take snapshots out of a table's history; their files become orphans."""
    ids = [snapshot.snapshot_id for snapshot in snapshots]
    if ids:
        table.maintenance.expire_snapshots().by_ids(ids).commit()
        table.refresh()


def files_named(table: Table, snapshots: Iterable[Snapshot]) -> set[str]:
    """Return the addresses of the data, manifests and lists that some snapshots name."""
    return set(_files(table, snapshots))


def orphans(table: Table, gone: Iterable[Snapshot], before: datetime) -> Iterator[tuple[str, int]]:
    """Yield key and size of the objects below a table that nothing in it names, written before some time.

    Parameters
    ----------
    gone
        Snapshots that are to be taken as expired already.
    """
    expired_ids = {snapshot.snapshot_id for snapshot in gone}
    kept = [one for one in table.metadata.snapshots if one.snapshot_id not in expired_ids]
    bucket, folder = split_uri(table.location())
    named = {split_uri(address)[1] for address in _named(table, kept)}
    for info in Bucket(bucket).list(f"{folder}/"):
        if info.key not in named and info.modified_at < before:
            yield info.key, info.size_bytes


def _named(table: Table, snapshots: Iterable[Snapshot]) -> Iterator[str]:
    yield table.metadata_location
    for former in table.metadata.metadata_log:
        yield former.metadata_file
    for statistics in table.metadata.statistics:
        yield statistics.statistics_path
    yield from _files(table, snapshots)


def _files(table: Table, snapshots: Iterable[Snapshot]) -> Iterator[str]:
    read: set[str] = set()
    for snapshot in snapshots:
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(table.io):
            yield manifest.manifest_path
            if manifest.manifest_path not in read:
                read.add(manifest.manifest_path)
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                    yield entry.data_file.file_path
