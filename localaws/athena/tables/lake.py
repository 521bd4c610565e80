"""The objects under a table's locations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from os.path import commonprefix
from pathlib import Path

from localaws.athena.failure import QueryError
from localaws.service import AwsError
from localaws.storage import LakeStorage, StoredObject, split_uri

_HIDDEN = ("_", ".")
_LAST = "\U0010ffff"
_Listing = tuple[list[str], list[StoredObject]]
"""Objects in the order of their keys, and the keys."""


class Lake:
    """S3's objects by location."""

    def __init__(self, storage: LakeStorage) -> None:
        self._storage = storage

    def under(self, locations: Sequence[str]) -> list[list[StoredObject]]:
        """Return the data objects under each location: none that is hidden, empty or archived."""
        folders = [(bucket, _folder(prefix)) for bucket, prefix in map(split_uri, locations)]
        listings = {bucket: self._listing(bucket, folders) for bucket, _ in folders}
        return [_within(listings[bucket], prefix) for bucket, prefix in folders]

    def _listing(self, bucket: str, folders: Sequence[tuple[str, str]]) -> _Listing:
        """List once what all locations in a bucket have in common."""
        common = commonprefix([prefix for name, prefix in folders if name == bucket])  # noqa: RUF071 - a prefix of keys
        try:
            objects = sorted(self._storage.list(bucket, common), key=lambda item: item.key)
        except AwsError as error:
            raise QueryError(
                "HIVE_FILESYSTEM_ERROR", f"Failed to list s3://{bucket}/{common}: {error.message}"
            ) from error
        return [item.key for item in objects], objects

    def path(self, uri: str) -> Path:
        """Return the local file of an object."""
        bucket, key = split_uri(uri)
        try:
            return self._storage.path(bucket, key)
        except AwsError as error:
            raise QueryError("ICEBERG_CANNOT_OPEN_SPLIT", f"Error opening {uri}: {error.message}") from error


def _folder(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _within(listing: _Listing, prefix: str) -> list[StoredObject]:
    keys, objects = listing
    start, end = bisect_left(keys, prefix), bisect_left(keys, prefix + _LAST)
    return [item for item in objects[start:end] if _is_data(item, prefix)]


def _is_data(item: StoredObject, prefix: str) -> bool:
    parts = item.key[len(prefix) :].split("/")
    hidden = any(part.startswith(_HIDDEN) for part in parts)
    return not hidden and not item.is_archived and item.bytes_stored > 0
