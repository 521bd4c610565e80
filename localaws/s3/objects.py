"""Objects, versions and uploads of a bucket as lifecycle rules see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localaws import base


@dataclass(frozen=True)
class Version:
    """One version of an object, or the only one of a bucket without versions.

    Parameters
    ----------
    key, version_id
        Which; ``version_id`` is ``None`` where the bucket has no versions.
    bytes_stored, storage_class, modified_at, tags
        What rules look at.
    noncurrent_since, newer_noncurrent
        For a version that was replaced: when, and how many versions replaced later ones.
    is_marker, is_alone
        Whether it is a delete marker, and whether nothing else is left of its key.
    """

    key: str
    version_id: str | None
    bytes_stored: int
    storage_class: str
    modified_at: datetime
    tags: Mapping[str, str]
    noncurrent_since: datetime | None = None
    newer_noncurrent: int = 0
    is_marker: bool = False
    is_alone: bool = False


@dataclass(frozen=True)
class Upload:
    """A multipart upload that was begun and not ended."""

    key: str
    upload_id: str
    begun_at: datetime


class BucketObjects:
    """What lies in a bucket, and the two changes that rules make to it.

    Parameters
    ----------
    account_id, bucket
        Whose bucket, and which.
    """

    def __init__(self, account_id: str, bucket: str) -> None:
        self._account_id = account_id
        self._bucket = bucket

    def versions(self) -> Iterator[Version]:
        """Yield all versions of all keys."""
        s3 = base.s3()
        current = s3._buckets._data[self._account_id, self._bucket]["objects"]
        history = {
            key: list(versions)
            for (account, (bucket, key)), versions in list(s3._object_versions._data.items())
            if account == self._account_id and bucket == self._bucket and versions
        }
        for key, record in list(current.items()):
            if key not in history:
                yield self._version(key, record, None)
        for key, versions in history.items():
            yield from self._stack(key, versions)

    def uploads(self) -> Iterator[Upload]:
        """Yield the uploads that are under way."""
        for (account, upload_id), upload in list(base.s3()._multipart_uploads._data.items()):
            if account == self._account_id and upload["bucket"] == self._bucket:
                yield Upload(upload["key"], upload_id, _utc(upload["created"]))

    def move(self, version: Version, storage_class: str) -> None:
        """Give a version another storage class."""
        base.run_on_loop(self._move, version, storage_class)

    def remove(self, version: Version) -> None:
        """Delete a version for good, or, given a current object, as ``DeleteObject`` does."""
        is_current = version.noncurrent_since is None and not version.is_marker
        version_id = None if is_current else version.version_id
        base.call_s3("DELETE", self._bucket, version.key, b"", {}, {"versionId": version_id})

    def abort(self, upload: Upload) -> None:
        """End an upload and drop its parts."""
        base.call_s3("DELETE", self._bucket, upload.key, b"", {}, {"uploadId": upload.upload_id})

    def _stack(self, key: str, versions: list[dict[str, Any]]) -> Iterator[Version]:
        newest = len(versions) - 1
        for position, entry in enumerate(versions):
            is_current = position == newest
            since = None if is_current else _utc(versions[position + 1]["last_modified"])
            yield self._version(
                key,
                entry,
                entry["version_id"],
                noncurrent_since=since,
                newer_noncurrent=0 if is_current else newest - position - 1,
                is_marker=bool(entry.get("is_delete_marker")),
                is_alone=newest == 0,
            )

    def _version(self, key: str, record: dict[str, Any], version_id: str | None, **more: Any) -> Version:
        tag_id = None if version_id == "null" else version_id
        tags = base.s3()._object_tags._data.get((self._account_id, (self._bucket, key, tag_id)), {})
        return Version(
            key=key,
            version_id=version_id,
            bytes_stored=record["size"],
            storage_class=record.get("storage_class") or "STANDARD",
            modified_at=_utc(record["last_modified"]),
            tags=dict(tags),
            **more,
        )

    def _move(self, version: Version, storage_class: str) -> None:
        s3 = base.s3()
        bucket = s3._buckets._data[self._account_id, self._bucket]
        for entry in s3._object_versions._data.get((self._account_id, (self._bucket, version.key)), []):
            if entry["version_id"] == version.version_id:
                entry["storage_class"] = storage_class
        record = bucket["objects"].get(version.key)
        if record is not None and version.noncurrent_since is None:
            record["storage_class"] = storage_class
        s3._persist_version_state(self._bucket, version.key, bucket)


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
