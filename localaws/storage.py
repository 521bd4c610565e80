"""Reads and writes of the lake's objects from inside the process, past HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localaws import base
from localaws.service import AwsError

_ERROR_FIELD = re.compile(rb"<(Code|Message)>(.*?)</\1>", re.DOTALL)
_NO_HEADERS: Mapping[str, str] = {}
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""The storage classes of objects that S3 does not read without a restore."""


@dataclass(frozen=True)
class StoredObject:
    """What a listing says of one current object.

    Parameters
    ----------
    bucket, key
        Where it is; ``key`` is plain text, not URL-encoded.
    bytes_stored
        Its size as stored, compressed if it is compressed.
    etag
        S3's ETag without the quotes.
    modified_at
        When it was written, UTC.
    storage_class
        ``STANDARD``, ``STANDARD_IA``, ``GLACIER`` and so on.
    """

    bucket: str
    key: str
    bytes_stored: int
    etag: str
    modified_at: datetime
    storage_class: str

    @property
    def uri(self) -> str:
        """Return the ``s3://`` address."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def is_archived(self) -> bool:
        """Tell whether S3 would refuse to read it without a restore."""
        return self.storage_class in ARCHIVED


class LakeStorage:
    """The S3 objects of this Local AWS, read from where they lie on disk.

    What is read is what an S3 client would see at that moment: only current versions, nothing behind a
    delete marker, no object that is still being uploaded. Safe to use from any thread except the
    event loop's own.

    Parameters
    ----------
    account_id
        Whose buckets to see; ``Context.account_id``.
    """

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        return sorted(name for account, name in list(base.s3()._buckets._data) if account == self._account_id)

    def has_bucket(self, bucket: str) -> bool:
        """Tell whether the bucket exists."""
        return (self._account_id, bucket) in base.s3()._buckets._data

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        """Yield the objects whose key starts with ``prefix``, in S3's order (by UTF-8 bytes).

        Raises
        ------
        AwsError
            ``NoSuchBucket`` when there is no such bucket.
        """
        records = self._records(bucket)
        keys = [key for key in list(records) if key.startswith(prefix)]
        for key in sorted(keys, key=str.encode):
            record = records.get(key)
            if record is not None:
                yield _stored_object(bucket, key, record)

    def get(self, bucket: str, key: str) -> StoredObject | None:
        """Return what a listing says of one object, or ``None`` when there is none."""
        record = self._records(bucket).get(key)
        return None if record is None else _stored_object(bucket, key, record)

    def path(self, bucket: str, key: str) -> Path:
        """Return the file that holds the object's bytes, as stored, to be read and never written.

        The file is replaced as a whole when the object is written again, so an open file keeps the bytes
        it was opened on. It does not always carry the key's name.

        Raises
        ------
        AwsError
            ``NoSuchBucket`` or ``NoSuchKey``.
        """
        if key not in self._records(bucket):
            raise AwsError("NoSuchKey", f"there is no object s3://{bucket}/{key}", 404)
        return Path(base.s3()._object_disk_path(bucket, key, self._account_id))

    def put(self, bucket: str, key: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        """Write an object as ``PutObject`` does, with versioning and events.

        ``headers`` are those of ``PutObject`` in lower case, such as ``content-type``.

        Raises
        ------
        AwsError
            S3's own refusal, such as ``NoSuchBucket``.
        """
        _raise_refusal(base.call_s3("PUT", bucket, key, body, headers), f"s3://{bucket}/{key}")

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object as ``DeleteObject`` does; one that is not there is no error."""
        _raise_refusal(base.call_s3("DELETE", bucket, key, b"", {}), f"s3://{bucket}/{key}")

    def _records(self, bucket: str) -> dict[str, dict[str, Any]]:
        found = base.s3()._buckets._data.get((self._account_id, bucket))
        if found is None:
            raise AwsError("NoSuchBucket", f"there is no bucket {bucket}", 404)
        records: dict[str, dict[str, Any]] = found["objects"]
        return records


def find_record(account_id: str, bucket: str, key: str) -> dict[str, Any] | None:
    """Return what S3 keeps of a current object, or ``None`` when there is none.

    Raises
    ------
    AwsError
        ``NoSuchBucket`` when there is no such bucket.
    """
    found = base.s3()._buckets._data.get((account_id, bucket))
    if found is None:
        raise AwsError("NoSuchBucket", f"there is no bucket {bucket}", 404)
    record: dict[str, Any] | None = found["objects"].get(key)
    return record


def split_uri(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/key`` into bucket and key; ``s3a`` and ``s3n`` are taken too.

    Raises
    ------
    AwsError
        ``InvalidInputException`` when the text is no S3 address.
    """
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not separator or scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise AwsError("InvalidInputException", f"{uri!r} is no S3 address; write s3://bucket/prefix/")
    return bucket, key


def _stored_object(bucket: str, key: str, record: dict[str, Any]) -> StoredObject:
    return StoredObject(
        bucket=bucket,
        key=key,
        bytes_stored=record["size"],
        etag=record["etag"].strip('"'),
        modified_at=_utc(record["last_modified"]),
        storage_class=record.get("storage_class") or "STANDARD",
    )


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _raise_refusal(answer: tuple[int, dict[str, str], bytes], target: str) -> None:
    status, _, body = answer
    if status < 300:
        return
    fields = {name.decode(): text.decode() for name, text in _ERROR_FIELD.findall(body)}
    code = fields.get("Code", f"S3Status{status}")
    raise AwsError(code, f"{target}: {fields.get('Message', 'S3 gave no reason')}", status)
