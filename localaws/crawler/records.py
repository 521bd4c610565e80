"""The crawlers and crawls that are kept on disk."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from localaws.crawler.runs import Crawl, Outcome
from localaws.service import AwsError
from localaws.store import Store, decode, encode

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS crawlers (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS crawls (
    number INTEGER PRIMARY KEY, crawler TEXT NOT NULL, document TEXT NOT NULL);
"""
_LOG_GROUP = "/aws-glue/crawlers"
_STATES = {"SUCCEEDED": "COMPLETED", "FAILED": "FAILED", "CANCELLED": "STOPPED"}
_INTERRUPTED = "Internal Service Exception: Local AWS ended during the crawl"
_MOST_ERROR_CHARACTERS = 2048


class Records:
    """Definitions of crawlers and the history of their crawls.

    Parameters
    ----------
    path
        The file that holds them.
    """

    def __init__(self, path: Path) -> None:
        self._store = Store(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def find(self, name: str) -> Document | None:
        """Return a crawler, if there is one of that name."""
        row = self._store.row("SELECT document FROM crawlers WHERE name = ?", name)
        return None if row is None else decode(row[0])

    def crawler(self, name: str) -> Document:
        """Return a crawler.

        Raises
        ------
        AwsError
            ``EntityNotFoundException`` when there is none of that name.
        """
        stored = self.find(name)
        if stored is None:
            raise AwsError("EntityNotFoundException", f"Crawler with name {name} does not exist")
        return stored

    def crawlers(self, after: str = "") -> Iterator[Document]:
        """Yield the crawlers whose name comes after one, in the order of names."""
        rows = self._store.rows("SELECT document FROM crawlers WHERE name > ? ORDER BY name", after)
        return (decode(text) for (text,) in rows)

    def add(self, document: Document) -> None:
        """Keep a new crawler.

        Raises
        ------
        AwsError
            ``AlreadyExistsException`` when its name is taken.
        """
        name = document["Name"]
        added = self._store.execute(
            "INSERT INTO crawlers VALUES (?, ?) ON CONFLICT DO NOTHING", name, encode(document)
        )
        if not added:
            raise AwsError("AlreadyExistsException", f"Crawler {name} already exists")

    def change(self, name: str, **changes: Any) -> None:
        """Set some members of a crawler."""
        with self._store.transaction():
            stored = {**self.crawler(name), **changes}
            self._store.execute("UPDATE crawlers SET document = ? WHERE name = ?", encode(stored), name)

    def delete(self, name: str) -> None:
        """Forget a crawler and its crawls."""
        with self._store.transaction():
            self._store.execute("DELETE FROM crawlers WHERE name = ?", name)
            self._store.execute("DELETE FROM crawls WHERE crawler = ?", name)

    def begin(self, crawl: Crawl) -> int:
        """Note that a crawl runs; return its number."""
        name = crawl.definition.name
        document = {
            "CrawlId": crawl.crawl_id,
            "State": "RUNNING",
            "StartTime": crawl.started_at.timestamp(),
            "LogGroup": _LOG_GROUP,
            "LogStream": name,
            "MessagePrefix": crawl.crawl_id,
        }
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO crawls (crawler, document) VALUES (?, ?)", name, encode(document)
            )
            [(number,)] = self._store.rows("SELECT last_insert_rowid()")
        return int(number)

    def finish(self, name: str, number: int, outcome: Outcome, ended_at: datetime) -> None:
        """Note how a crawl ended, in its history and as the crawler's last one."""
        [(text,)] = self._store.rows("SELECT document FROM crawls WHERE number = ?", number)
        counts = outcome.counts
        document = {
            **decode(text),
            "State": _STATES[outcome.status],
            "EndTime": ended_at.timestamp(),
            "DPUHour": 0.0,
            "Summary": json.dumps({"TABLE": counts.tables, "PARTITION": counts.partitions}),
        }
        if outcome.error is not None:
            document["ErrorMessage"] = outcome.error[:_MOST_ERROR_CHARACTERS]
        self._end(name, number, document, outcome.status)

    def end_interrupted(self) -> None:
        """End the crawls that an earlier process left running."""
        rows = self._store.rows("SELECT number, crawler, document FROM crawls")
        for number, name, text in rows:
            crawl = decode(text)
            if crawl["State"] == "RUNNING":
                ended = {"State": "FAILED", "EndTime": crawl["StartTime"], "ErrorMessage": _INTERRUPTED}
                self._end(name, number, {**crawl, **ended}, "FAILED")

    def crawls(self, name: str, before: int = 2**62) -> list[tuple[int, Document]]:
        """Return the crawls of a crawler with their numbers, newest first."""
        rows = self._store.rows(
            "SELECT number, document FROM crawls WHERE crawler = ? AND number < ? ORDER BY number DESC",
            name,
            before,
        )
        return [(number, decode(text)) for number, text in rows]

    def metrics(self, name: str) -> Document:
        """Return what GetCrawlerMetrics says of a crawler."""
        ended = [crawl for _, crawl in self.crawls(name) if "EndTime" in crawl]
        lengths = [crawl["EndTime"] - crawl["StartTime"] for crawl in ended]
        tables = json.loads(ended[0].get("Summary", "{}")).get("TABLE", {}) if ended else {}
        return {
            "CrawlerName": name,
            "TimeLeftSeconds": 0.0,
            "StillEstimating": False,
            "LastRuntimeSeconds": lengths[0] if lengths else 0.0,
            "MedianRuntimeSeconds": statistics.median(lengths) if lengths else 0.0,
            "TablesCreated": tables.get("ADD", 0),
            "TablesUpdated": tables.get("UPDATE", 0),
            "TablesDeleted": tables.get("DELETE", 0),
        }

    def _end(self, name: str, number: int, crawl: Document, status: str) -> None:
        kept = ("LogGroup", "LogStream", "MessagePrefix", "StartTime", "ErrorMessage")
        last = {key: crawl[key] for key in kept if key in crawl}
        self._store.execute("UPDATE crawls SET document = ? WHERE number = ?", encode(crawl), number)
        self.change(name, LastCrawl={**last, "Status": status})
