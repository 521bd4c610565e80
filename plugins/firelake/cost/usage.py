"""What a dataset uses: what lies in its zones, and what comes in a day. All of it is counted, not guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from firelake import aws
from firelake.cost.storage import DAYS_PER_MONTH, SMALLEST_MOVED_BYTES, STANDARD, Cohort
from firelake.layout import Lake, Zone
from firelake.ledger import Ledger
from firelake.lifecycle.rules import TIERED_ZONES, tiered_prefix
from firelake.spec import Dataset

OBSERVED_DAYS = 30


@dataclass(frozen=True)
class Flow:
    """What is written in a day, of objects that are all moved by S3 or all too small for it."""

    objects_per_day: float
    bytes_per_day: float


@dataclass(frozen=True)
class Usage:
    """What a dataset uses.

    Parameters
    ----------
    days
        Arrival days that the daily figures are means of; 0 if nothing was taken in yet.
    bytes_json_per_day
        Decompressed, as Firehose counts.
    stock, flows
        By zone.
    crawls_per_month, crawl_dpu_hours
        How often the raw crawler runs, and what Glue says a crawl uses on average.
    """

    dataset: str
    days: int
    records_per_day: float
    bytes_json_per_day: float
    stock: Mapping[Zone, tuple[Cohort, ...]]
    flows: Mapping[Zone, tuple[Flow, ...]]
    crawls_per_month: float
    crawl_dpu_hours: float


@dataclass(frozen=True)
class QueryUsage:
    """What the lake's workgroup scans in a month.

    Parameters
    ----------
    bytes_charged
        With the least that a query is charged for.
    """

    queries: float
    bytes_charged: float


def measure(lake: Lake, dataset: Dataset, now: datetime | None = None) -> Usage:
    """Count what a dataset uses.

    Raises
    ------
    LakeUnreachable
        If S3, Glue or the ledger's table does not answer.
    """
    at = now or datetime.now(UTC)
    stocks = {zone: stock(lake, dataset, zone, at) for zone in TIERED_ZONES}
    entries = _processed(lake, dataset)
    recent = _recent(entries)
    days = _span_days(recent)
    raw = _raw_flows(recent, days)
    grown = _share_of_a_day(entries, raw)
    crawls, dpu_hours = _crawls(lake.raw_crawler(dataset.name), at)
    return Usage(
        dataset=dataset.name,
        days=days,
        records_per_day=sum(entry["records_in"] for entry in recent) / max(days, 1),
        bytes_json_per_day=sum(entry["bytes_json"] for entry in recent) / max(days, 1),
        stock=stocks,
        flows={Zone.RAW: raw}
        | {zone: _grown(stocks[zone], grown) for zone in TIERED_ZONES if zone is not Zone.RAW},
        crawls_per_month=crawls,
        crawl_dpu_hours=dpu_hours,
    )


def measure_queries(lake: Lake, smallest_bytes: int, now: datetime | None = None) -> QueryUsage:
    """Count what the lake's workgroup scanned lately, as Athena remembers it.

    Parameters
    ----------
    smallest_bytes
        The least that a query that scans anything is charged for.
    """
    since = (now or datetime.now(UTC)) - timedelta(days=OBSERVED_DAYS)
    scanned: list[int] = []
    athena = aws.client("athena")
    with aws.reaching(f"Athena workgroup {lake.athena_workgroup}"):
        pages = athena.get_paginator("list_query_executions").paginate(WorkGroup=lake.athena_workgroup)
        for page in pages:
            if not page["QueryExecutionIds"]:
                continue
            found = athena.batch_get_query_execution(QueryExecutionIds=page["QueryExecutionIds"])
            scanned += [
                execution.get("Statistics", {}).get("DataScannedInBytes", 0)
                for execution in found.get("QueryExecutions", [])
                if execution.get("Status", {}).get("SubmissionDateTime", since) >= since
            ]
    per_month = DAYS_PER_MONTH / OBSERVED_DAYS
    charged = sum(max(amount, smallest_bytes) for amount in scanned if amount)
    return QueryUsage(len(scanned) * per_month, charged * per_month)


def stock(lake: Lake, dataset: Dataset, zone: Zone, now: datetime) -> tuple[Cohort, ...]:
    """Return what lies in a zone, objects of like age, class and size together.

    Raises
    ------
    LakeUnreachable
        If the zone's bucket does not exist or does not answer.
    """
    objects: Counter[tuple[int, str, bool]] = Counter()
    sizes: Counter[tuple[int, str, bool]] = Counter()
    for found in aws.list_objects(lake.bucket(zone), tiered_prefix(dataset, zone)):
        alike = (
            max((now - found["LastModified"]).days, 0),
            str(found.get("StorageClass", STANDARD)),
            found["Size"] < SMALLEST_MOVED_BYTES,
        )
        objects[alike] += 1
        sizes[alike] += found["Size"]
    return tuple(Cohort(alike[0], objects[alike], sizes[alike], alike[1]) for alike in sorted(objects))


def _processed(lake: Lake, dataset: Dataset) -> list[dict[str, Any]]:
    """Return the entry that stands for each raw object."""
    entries = (entry for entry in Ledger(lake, dataset).all().to_pylist() if entry["entry"] == "processed")
    latest = {entry["raw_object"]: entry for entry in sorted(entries, key=lambda one: one["sequence_number"])}
    return list(latest.values())


def _recent(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not entries:
        return []
    since = max(entry["arrived_at"] for entry in entries).date() - timedelta(days=OBSERVED_DAYS - 1)
    return [entry for entry in entries if entry["arrived_at"].date() >= since]


def _span_days(entries: list[dict[str, Any]]) -> int:
    days = [entry["arrived_at"].date() for entry in entries]
    return (max(days) - min(days)).days + 1 if days else 0


def _raw_flows(entries: list[dict[str, Any]], days: int) -> tuple[Flow, ...]:
    groups = (
        [entry["bytes_raw"] for entry in entries if (entry["bytes_raw"] < SMALLEST_MOVED_BYTES) is small]
        for small in (True, False)
    )
    return tuple(Flow(len(sizes) / days, sum(sizes) / days) for sizes in groups if sizes)


def _share_of_a_day(entries: list[dict[str, Any]], raw: tuple[Flow, ...]) -> float:
    """Return a day's part of all that was ever taken in, by bytes."""
    ever = sum(entry["bytes_raw"] for entry in entries)
    return sum(flow.bytes_per_day for flow in raw) / ever if ever else 0.0


def _grown(stocked: Iterable[Cohort], share: float) -> tuple[Flow, ...]:
    """Return what a day adds to a table, if it grows as its source does."""
    cohorts = tuple(stocked)
    objects = sum(cohort.objects for cohort in cohorts) * share
    return (Flow(objects, sum(cohort.bytes_stored for cohort in cohorts) * share),) if objects else ()


def _crawls(crawler: str, now: datetime) -> tuple[float, float]:
    """Return how often a crawler runs in a month, and its mean DPU hours."""
    glue = aws.client("glue")
    found: list[float] = []
    token: dict[str, Any] = {}
    with aws.reaching(f"crawler {crawler}"):
        while True:
            page = glue.list_crawls(CrawlerName=crawler, **token)
            found += [
                crawl.get("DPUHour", 0.0)
                for crawl in page.get("Crawls", [])
                if crawl.get("StartTime", now) >= now - timedelta(days=OBSERVED_DAYS)
            ]
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
    per_month = DAYS_PER_MONTH / OBSERVED_DAYS
    return len(found) * per_month, sum(found) / len(found) if found else 0.0
