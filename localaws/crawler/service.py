"""The Glue API's operations on crawlers."""

from __future__ import annotations

import threading
from typing import Any

from localaws.crawler import definition
from localaws.crawler.records import Records
from localaws.crawler.runs import Crawl, run_crawl
from localaws.crawler.schedules import Schedules, schedule_of
from localaws.glue.paging import page, start_after
from localaws.glue.service import Catalog
from localaws.service import AwsError, Context, Payload
from localaws.storage import LakeStorage
from localaws.validation import validated

Document = dict[str, Any]

_PAGE = 100
_CRAWLS_PAGE = 20
_NOT_IN_DEFINITION = frozenset({"Schedule", "Tags"})
_SHOWN_DEFAULTS = {
    "Classifiers": [],
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
    "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"},
    "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
}


class CrawlerService:
    """Glue crawlers."""

    target_prefix = "AWSGlue"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = Records(context.data_dir / "glue" / "crawlers.sqlite")
        self._catalog = Catalog(context)
        self._storage = LakeStorage(context.account_id)
        self._running: dict[str, Crawl] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.RLock()
        self.operations = validated(
            "glue",
            {
                "BatchGetCrawlers": self.batch_get,
                "CreateCrawler": self.create,
                "DeleteCrawler": self.delete,
                "GetCrawler": self.get,
                "GetCrawlerMetrics": self.metrics,
                "GetCrawlers": self.get_all,
                "ListCrawlers": self.list_names,
                "ListCrawls": self.list_crawls,
                "StartCrawler": self.start_crawler,
                "StopCrawler": self.stop_crawler,
                "UpdateCrawler": self.update,
                **Schedules(self._records).operations,
            },
        )

    def start(self) -> None:
        """End the crawls that an earlier process left running."""
        self._records.end_interrupted()

    def stop(self) -> None:
        """Stop all crawls and wait for them."""
        with self._lock:
            for crawl in self._running.values():
                crawl.stop_asked.set()
            threads = list(self._threads.values())
        for thread in threads:
            thread.join()
        self._catalog.close()
        self._records.close()

    def create(self, payload: Payload) -> Payload:
        """CreateCrawler."""
        definition.read(payload)
        now = self._context.clock.now().timestamp()
        stored = {**_definition_of(payload), "CreationTime": now, "LastUpdated": now, "Version": 1}
        if payload.get("Schedule"):
            stored["Schedule"] = schedule_of(payload["Schedule"])
        self._records.add(stored)
        if payload.get("Tags"):
            arn = self._arn(payload["Name"])
            self._catalog.call("TagResource", ResourceArn=arn, TagsToAdd=payload["Tags"])
        return {}

    def update(self, payload: Payload) -> Payload:
        """UpdateCrawler: what is not named stays as it is."""
        name = payload["Name"]
        with self._lock:
            stored = self._records.crawler(name)
            self._refuse_running(name)
            changes = _definition_of(payload)
            definition.read({**stored, **changes})
            if payload.get("Schedule"):
                changes["Schedule"] = schedule_of(payload["Schedule"])
            now = self._context.clock.now().timestamp()
            self._records.change(name, **changes, LastUpdated=now, Version=stored["Version"] + 1)
        return {}

    def delete(self, payload: Payload) -> Payload:
        """DeleteCrawler; its tables stay."""
        name = payload["Name"]
        with self._lock:
            self._records.crawler(name)
            self._refuse_running(name)
            self._records.delete(name)
        return {}

    def get(self, payload: Payload) -> Payload:
        """GetCrawler."""
        return {"Crawler": self._shown(self._records.crawler(payload["Name"]))}

    def batch_get(self, payload: Payload) -> Payload:
        """BatchGetCrawlers."""
        found = {name: self._records.find(name) for name in payload["CrawlerNames"]}
        return {
            "Crawlers": [self._shown(stored) for stored in found.values() if stored is not None],
            "CrawlersNotFound": [name for name, stored in found.items() if stored is None],
        }

    def get_all(self, payload: Payload) -> Payload:
        """GetCrawlers, in the order of names."""
        stored = self._records.crawlers(start_after(payload))
        shown, more = page(stored, lambda each: str(each["Name"]), payload, _PAGE)
        return {"Crawlers": [self._shown(each) for each in shown], **more}

    def list_names(self, payload: Payload) -> Payload:
        """ListCrawlers, optionally only those with certain tags."""
        wanted = payload.get("Tags", {}).items()
        names = (str(stored["Name"]) for stored in self._records.crawlers(start_after(payload)))
        tagged = (name for name in names if not wanted or wanted <= self._tags(name).items())
        shown, more = page(tagged, str, payload, _PAGE)
        return {"CrawlerNames": shown, **more}

    def start_crawler(self, payload: Payload) -> Payload:
        """StartCrawler: the crawl runs on after the answer."""
        name = payload["Name"]
        with self._lock:
            stored = self._records.crawler(name)
            self._refuse_running(name)
            crawl = Crawl(definition.read(stored), self._context.clock.now())
            number = self._records.begin(crawl)
            thread = threading.Thread(target=self._run, args=(crawl, number), daemon=True)
            self._running[name], self._threads[name] = crawl, thread
            thread.start()
        return {}

    def stop_crawler(self, payload: Payload) -> Payload:
        """StopCrawler: the crawl ends before its next object."""
        name = payload["Name"]
        with self._lock:
            self._records.crawler(name)
            crawl = self._running.get(name)
            if crawl is None:
                raise AwsError("CrawlerNotRunningException", f"Crawler {name} is not running")
            if crawl.stop_asked.is_set():
                raise AwsError("CrawlerStoppingException", f"Crawler {name} is stopping already")
            crawl.stop_asked.set()
        return {}

    def metrics(self, payload: Payload) -> Payload:
        """GetCrawlerMetrics, of the last crawl and the lengths of all."""
        wanted = payload.get("CrawlerNameList")
        names = (str(stored["Name"]) for stored in self._records.crawlers(start_after(payload)))
        shown, more = page((name for name in names if not wanted or name in wanted), str, payload, _PAGE)
        return {"CrawlerMetricsList": [self._records.metrics(name) for name in shown], **more}

    def list_crawls(self, payload: Payload) -> Payload:
        """ListCrawls, newest first."""
        if payload.get("Filters"):
            message = "Local AWS does not do Filters of ListCrawls; see docs/local-aws.md"
            raise AwsError("InvalidInputException", message)
        self._records.crawler(payload["CrawlerName"])
        before = int(start_after(payload) or 2**62)
        crawls = self._records.crawls(payload["CrawlerName"], before)
        shown, more = page(crawls, lambda numbered: str(numbered[0]), payload, _CRAWLS_PAGE)
        return {"Crawls": [crawl for _, crawl in shown], **more}

    def _run(self, crawl: Crawl, number: int) -> None:
        name = crawl.definition.name
        outcome = run_crawl(crawl, self._storage, self._catalog)
        with self._lock:
            self._records.finish(name, number, outcome, self._context.clock.now())
            del self._running[name], self._threads[name]

    def _tags(self, name: str) -> dict[str, str]:
        tags: dict[str, str] = self._catalog.call("GetTags", ResourceArn=self._arn(name))["Tags"]
        return tags

    def _shown(self, stored: Document) -> Document:
        crawl = self._running.get(stored["Name"])
        if crawl is None:
            return {**_SHOWN_DEFAULTS, **stored, "State": "READY", "CrawlElapsedTime": 0}
        elapsed = (self._context.clock.now() - crawl.started_at).total_seconds() * 1000
        state = "STOPPING" if crawl.stop_asked.is_set() else "RUNNING"
        return {**_SHOWN_DEFAULTS, **stored, "State": state, "CrawlElapsedTime": round(elapsed)}

    def _refuse_running(self, name: str) -> None:
        if name in self._running:
            raise AwsError("CrawlerRunningException", f"Crawler with name {name} has already started")

    def _arn(self, name: str) -> str:
        return f"arn:aws:glue:{self._context.region}:{self._context.account_id}:crawler/{name}"


def _definition_of(payload: Payload) -> Document:
    given = payload.items()
    return {key: value for key, value in given if key not in _NOT_IN_DEFINITION and value is not None}
