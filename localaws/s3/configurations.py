"""The lifecycle configurations of buckets, kept as they were given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localaws import base
from localaws.s3.rules import Rule, normalize
from localaws.service import AwsError
from localaws.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lifecycle (
    bucket TEXT PRIMARY KEY,
    bucket_created TEXT NOT NULL,
    xml TEXT NOT NULL,
    minimum_size TEXT NOT NULL);
"""
DEFAULT_MINIMUM = "all_storage_classes_128K"
MINIMUMS = frozenset({DEFAULT_MINIMUM, "varies_by_storage_class"})


@dataclass(frozen=True)
class Configuration:
    """A bucket's lifecycle configuration.

    Parameters
    ----------
    xml
        The configuration as GET shows it.
    rules
        The same, read.
    minimum_size
        The value of ``x-amz-transition-default-minimum-object-size``.
    """

    xml: str
    rules: tuple[Rule, ...]
    minimum_size: str


class Configurations:
    """Keeps lifecycle configurations; one belongs to a bucket until that is deleted.

    Parameters
    ----------
    path
        The file that holds them.
    account_id
        Whose buckets they are for.
    """

    def __init__(self, path: Path, account_id: str) -> None:
        self._store = Store(path, _SCHEMA)
        self._account_id = account_id

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def put(self, bucket: str, body: bytes, minimum_size: str) -> None:
        """Replace the whole configuration of a bucket.

        Raises
        ------
        AwsError
            ``NoSuchBucket``, or the refusal of the configuration.
        """
        created = self._created(bucket)
        if minimum_size not in MINIMUMS:
            raise AwsError(
                "InvalidRequest", f"TransitionDefaultMinimumObjectSize {minimum_size} is not known"
            )
        xml, _ = normalize(body)
        self._store.execute(
            "INSERT OR REPLACE INTO lifecycle VALUES (?, ?, ?, ?)", bucket, created, xml, minimum_size
        )

    def get(self, bucket: str) -> Configuration:
        """Return the configuration of a bucket.

        Raises
        ------
        AwsError
            ``NoSuchBucket`` or ``NoSuchLifecycleConfiguration``.
        """
        # A bucket that was deleted and made again does not inherit its predecessor's rules.
        row = self._store.row(
            "SELECT xml, minimum_size FROM lifecycle WHERE bucket = ? AND bucket_created = ?",
            bucket,
            self._created(bucket),
        )
        if row is None:
            message = f"The lifecycle configuration of {bucket} does not exist"
            raise AwsError("NoSuchLifecycleConfiguration", message, 404)
        xml, minimum_size = row
        return Configuration(xml, normalize(xml.encode())[1], minimum_size)

    def delete(self, bucket: str) -> None:
        """Delete the configuration of a bucket; none is no error."""
        self._created(bucket)
        self._store.execute("DELETE FROM lifecycle WHERE bucket = ?", bucket)

    def _created(self, bucket: str) -> str:
        record = base.s3()._buckets._data.get((self._account_id, bucket))
        if record is None:
            raise AwsError("NoSuchBucket", f"The specified bucket {bucket} does not exist", 404)
        return str(record["created"])
