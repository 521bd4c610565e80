"""Crawls that run: one thread each, READY to RUNNING to STOPPING to READY."""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from localaws.crawler.definition import Definition
from localaws.crawler.discover import Discovery
from localaws.crawler.publish import Counts, Publisher
from localaws.glue.service import Catalog
from localaws.service import AwsError
from localaws.storage import LakeStorage

_log = logging.getLogger(__name__)


class StopAskedError(Exception):
    """The crawl was asked to stop."""


@dataclass
class Crawl:
    """A crawl that runs.

    Parameters
    ----------
    definition
        The crawler as it was when the crawl started.
    started_at
        When that was.
    crawl_id
        What ListCrawls calls it.
    """

    definition: Definition
    started_at: datetime
    crawl_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    stop_asked: threading.Event = field(default_factory=threading.Event)

    def go_on(self) -> None:
        """Raise :class:`StopAskedError` when the crawl was asked to stop."""
        if self.stop_asked.is_set():
            raise StopAskedError


@dataclass(frozen=True)
class Outcome:
    """How a crawl ended."""

    status: str
    counts: Counts
    error: str | None = None


def run_crawl(crawl: Crawl, storage: LakeStorage, catalog: Catalog) -> Outcome:
    """Crawl all targets and write what is there into the catalog."""
    definition = crawl.definition
    publisher = Publisher(catalog, definition, crawl.started_at)
    discovery = Discovery(storage, definition, crawl.go_on)
    try:
        _crawl_targets(definition, discovery, publisher)
    except StopAskedError:
        return Outcome("CANCELLED", publisher.counts)
    except AwsError as error:
        return Outcome("FAILED", publisher.counts, f"{error.code}: {error.message}")
    except Exception as error:
        # Whatever a crawl meets must end in LastCrawl, where the client looks for it.
        _log.exception("crawler %s failed", definition.name)
        return Outcome("FAILED", publisher.counts, f"Internal Service Exception: {error!r}")
    return Outcome("SUCCEEDED", publisher.counts)


def _crawl_targets(definition: Definition, discovery: Discovery, publisher: Publisher) -> None:
    for name in definition.catalog_tables:
        table_target = publisher.catalog_target(name)
        publisher.publish_into(name, table_target, discovery.tables(table_target))
    if definition.catalog_tables:
        return
    publisher.ensure_database()
    known = publisher.known_folders() if definition.new_folders_only else frozenset[str]()
    for target in definition.s3_targets:
        for table in discovery.tables(target, known):
            publisher.publish(target, table)
    for iceberg_target in definition.iceberg_targets:
        for found in discovery.iceberg_tables(iceberg_target):
            publisher.publish_iceberg(found)
    if not definition.new_folders_only:
        publisher.drop_vanished()
