"""The objects under a location, listed once for a query."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from localaws.athena.failure import QueryError
from localaws.service import AwsError
from localaws.storage import LakeStorage, StoredObject, split_uri

_HIDDEN = ("_", ".")


class Lake:
    """S3's objects by location; a bucket is listed the first time that a query asks for it."""

    def __init__(self, storage: LakeStorage) -> None:
        self._storage = storage
        self._buckets: dict[str, tuple[list[str], list[StoredObject]]] = {}

    def under(self, location: str) -> list[StoredObject]:
        """Return the data objects under a location: none that is hidden, empty or archived."""
        bucket, prefix = split_uri(location)
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        keys, objects = self._listing(bucket, location)
        start = bisect_left(keys, prefix)
        found = []
        for item in objects[start:]:
            if not item.key.startswith(prefix):
                break
            if _is_data(item, prefix):
                found.append(item)
        return found

    def _listing(self, bucket: str, location: str) -> tuple[list[str], list[StoredObject]]:
        if bucket not in self._buckets:
            try:
                objects = sorted(self._storage.list(bucket), key=lambda item: item.key)
            except AwsError as error:
                raise QueryError(
                    "HIVE_FILESYSTEM_ERROR", f"Failed to list {location}: {error.message}"
                ) from error
            self._buckets[bucket] = ([item.key for item in objects], objects)
        return self._buckets[bucket]

    def path(self, uri: str) -> Path:
        """Return the local file of an object."""
        bucket, key = split_uri(uri)
        try:
            return self._storage.path(bucket, key)
        except AwsError as error:
            raise QueryError("ICEBERG_CANNOT_OPEN_SPLIT", f"Error opening {uri}: {error.message}") from error


def _is_data(item: StoredObject, prefix: str) -> bool:
    parts = item.key[len(prefix) :].split("/")
    hidden = any(part.startswith(_HIDDEN) for part in parts)
    return not hidden and not item.is_archived and item.bytes_stored > 0
