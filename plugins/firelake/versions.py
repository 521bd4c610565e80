"""Objects with all their versions: what a plain listing of a bucket does not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firelake import aws
from firelake.layout import uri

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_UNVERSIONED = "null"


@dataclass(frozen=True)
class Version:
    """One version of an object.

    Parameters
    ----------
    current
        Whether it is what readers get.
    archived
        Whether it must be restored before it can be read.
    """

    bucket: str
    key: str
    version_id: str
    size_bytes: int
    current: bool
    archived: bool

    def __str__(self) -> str:
        """Return its address; of an older one with its id."""
        address = uri(self.bucket, self.key)
        return address if self.current else f"{address} version {self.version_id}"

    def read(self) -> bytes:
        """Return its bytes, as stored."""
        return self._get()["Body"].read()

    def replace(self, body: bytes) -> None:
        """Store other bytes under the key, described as these were, and remove this version."""
        with aws.reaching(str(self)):
            described = self._get()
            described["Body"].close()
            # What S3 leaves out, the object does not have.
            kept = {name: described[name] for name in _DESCRIPTION if name in described}  # type: ignore[literal-required]
            made = aws.client("s3").put_object(Bucket=self.bucket, Key=self.key, Body=body, **kept)
        if made.get("VersionId", _UNVERSIONED) != self.version_id:
            self.delete()

    def delete(self) -> None:
        """Remove it for good."""
        with aws.reaching(str(self)):
            aws.client("s3").delete_object(Bucket=self.bucket, Key=self.key, VersionId=self.version_id)

    def _get(self) -> GetObjectOutputTypeDef:
        with aws.reaching(str(self)):
            s3 = aws.client("s3")
            if self.version_id == _UNVERSIONED and self.current:
                return s3.get_object(Bucket=self.bucket, Key=self.key)
            return s3.get_object(Bucket=self.bucket, Key=self.key, VersionId=self.version_id)


_DESCRIPTION = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
    "StorageClass",
)


def versions(bucket: str, prefix: str) -> Iterator[Version]:
    """Yield every version of the objects whose keys begin with ``prefix``; delete markers hold nothing."""
    with aws.reaching(uri(bucket, prefix)):
        pages = aws.client("s3").get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Versions", []):
                yield Version(
                    bucket,
                    found["Key"],
                    found.get("VersionId", _UNVERSIONED),
                    found["Size"],
                    found["IsLatest"],
                    found.get("StorageClass", "STANDARD") in _ARCHIVED,
                )
