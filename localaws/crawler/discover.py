"""What lies at a crawler's targets."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localaws.crawler.classify import classify
from localaws.crawler.definition import Definition, IcebergTarget, S3Target
from localaws.crawler.globs import is_excluded
from localaws.crawler.layout import CrawledObject, FoundTable, find_tables
from localaws.service import AwsError
from localaws.storage import LakeStorage, StoredObject

_log = logging.getLogger(__name__)
_METADATA = re.compile(r"^(?P<table>.*?)/?metadata/(?P<file>v?(?P<version>\d+)[^/]*\.metadata\.json)$")


@dataclass(frozen=True)
class FoundIceberg:
    """An Iceberg table: where it lies, its newest metadata file and its fields."""

    location: str
    metadata_location: str
    fields: list[dict[str, Any]]


class Discovery:
    """Reads the targets of one crawler.

    Parameters
    ----------
    storage
        The lake.
    definition
        The crawler.
    go_on
        Called before each object; raises to stop the crawl.
    """

    def __init__(self, storage: LakeStorage, definition: Definition, go_on: Callable[[], None]) -> None:
        self._storage = storage
        self._definition = definition
        self._go_on = go_on

    def tables(self, target: S3Target, known_folders: frozenset[str] = frozenset()) -> list[FoundTable]:
        """Return the tables that the objects of a target make.

        Parameters
        ----------
        target
            The prefix to crawl.
        known_folders
            Locations that are partitions already and are not read again.
        """
        self._require_bucket(target.bucket)
        objects = list(self._objects(target, known_folders))
        return find_tables(objects, combine=self._definition.combine)

    def iceberg_tables(self, target: IcebergTarget) -> Iterator[FoundIceberg]:
        """Yield the Iceberg tables at or below a target."""
        self._require_bucket(target.bucket)
        newest: dict[str, tuple[int, StoredObject]] = {}
        for stored in self._storage.list(target.bucket, target.prefix):
            relative = stored.key.removeprefix(target.prefix)
            found = _METADATA.match(relative)
            if found is None or is_excluded(relative, target.exclusions):
                continue
            folder, version = found["table"], int(found["version"])
            is_deep = folder.count("/") + bool(folder) > target.depth
            if not is_deep and (folder not in newest or version > newest[folder][0]):
                newest[folder] = (version, stored)
        for _, stored in newest.values():
            self._go_on()
            yield self._iceberg_table(stored)

    def _iceberg_table(self, stored: StoredObject) -> FoundIceberg:
        try:
            metadata = json.loads(self._storage.path(stored.bucket, stored.key).read_bytes())
            current = metadata.get("current-schema-id", 0)
            schemas = metadata.get("schemas") or [metadata["schema"]]
            fields = next(each["fields"] for each in schemas if each.get("schema-id", 0) == current)
            return FoundIceberg(metadata["location"], stored.uri, fields)
        except (ValueError, KeyError, StopIteration) as error:
            raise AwsError(
                "InvalidInputException", f"{stored.uri} is no Iceberg metadata: {error!r}"
            ) from error

    def _objects(self, target: S3Target, known_folders: frozenset[str]) -> Iterator[CrawledObject]:
        sampled: dict[tuple[str, ...], int] = {}
        for stored in self._storage.list(target.bucket, target.prefix):
            relative = stored.key.removeprefix(target.prefix)
            *folders, name = relative.split("/")
            leaf = tuple(folders)
            is_full = target.sample_size is not None and sampled.get(leaf, 0) >= target.sample_size
            if is_full or not _is_data(stored, folders, name) or is_excluded(relative, target.exclusions):
                continue
            if f"s3://{target.bucket}/{stored.key.removesuffix(name)}" in known_folders:
                continue
            self._go_on()
            sampled[leaf] = sampled.get(leaf, 0) + 1
            crawled = self._crawl(stored, leaf, name)
            if crawled is not None:
                yield crawled

    def _crawl(self, stored: StoredObject, folders: tuple[str, ...], name: str) -> CrawledObject | None:
        try:
            content = classify(self._storage.path(stored.bucket, stored.key))
        except (AwsError, FileNotFoundError):
            _log.info("%s was deleted during the crawl", stored.uri)
            return None
        if content is None:
            _log.warning(
                "crawler %s: %s is neither JSON, Parquet nor CSV and is left out",
                self._definition.name,
                stored.uri,
            )
            return None
        return CrawledObject(folders, name, stored.bytes_stored, content)

    def _require_bucket(self, bucket: str) -> None:
        if not self._storage.has_bucket(bucket):
            message = f"The S3 bucket {bucket} that crawler {self._definition.name} crawls does not exist"
            raise AwsError("EntityNotFoundException", message)


def _is_data(stored: StoredObject, folders: list[str], name: str) -> bool:
    hidden = any(part.startswith(("_", ".")) for part in (*folders, name))
    return bool(name) and not hidden and stored.bytes_stored > 0 and not stored.is_archived
