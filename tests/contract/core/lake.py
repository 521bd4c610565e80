"""A lake of its own in Local AWS for each test, and raw objects as Firehose would write them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from firelake import aws, publish
from firelake.compact.engine import compact
from firelake.iceberg import StaleBase
from firelake.layout import Lake, Zone
from firelake.outcome import Published, Stage
from firelake.periods import PeriodRange
from firelake.runs import new_run_id
from firelake.spec import Dataset
from firelake.tables import LEDGER, quarantine, trusted

DAY = datetime(2026, 11, 21, tzinfo=UTC)


def record(number: int, day: datetime = DAY) -> dict[str, Any]:
    """Return one of countless different records of a day."""
    taken_at = day + timedelta(seconds=number % 80_000)
    return {"d": number, "v": number / 2, "t": taken_at.strftime("%Y-%m-%dT%H:%M:%S"), "l": "a"}


def body_of(records: Iterable[dict[str, Any]]) -> bytes:
    return gzip.compress("".join(json.dumps(item) for item in records).encode())


@dataclass(frozen=True)
class TestLake:
    """A prepared lake with one dataset."""

    __test__ = False

    lake: Lake
    dataset: Dataset

    def put(self, arrival: datetime, body: bytes) -> str:
        """Store a raw object and return its key."""
        stamp = arrival.strftime("%Y-%m-%d-%H-%M-%S")
        key = f"{self.dataset.raw.prefix}{arrival:%Y/%m/%d/%H}/stream-1-{stamp}-{uuid4()}.gz"
        aws.client("s3").put_object(Bucket=self.lake.bucket(Zone.RAW), Key=key, Body=body)
        return key

    def delete(self, key: str) -> None:
        """Remove a raw object, as a lifecycle rule would."""
        aws.client("s3").delete_object(Bucket=self.lake.bucket(Zone.RAW), Key=key)

    def delete_rows(self) -> None:
        """Empty the trusted table behind the ledger's back."""
        trusted(self.dataset).load(self.lake).delete()

    def stage(self, period: str) -> Stage:
        arrival = PeriodRange.parse(period, self.dataset.raw.arrival_period)
        return compact(self.lake, self.dataset, arrival, new_run_id("test"))

    def publish(self, stage: Stage) -> Published:
        return publish.publish(self.lake, self.dataset, stage, publish.save_stage(self.lake, stage))

    def run(self, period: str) -> Published:
        """Stage and publish until no other run interferes."""
        while True:
            try:
                return self.publish(self.stage(period))
            except StaleBase:
                continue

    def trusted(self) -> list[dict[str, Any]]:
        """Return the trusted rows, sorted."""
        rows = trusted(self.dataset).load(self.lake).scan().to_arrow().to_pylist()
        return sorted(rows, key=lambda row: (row["taken_at"], row["device"]))

    def quarantined(self) -> list[dict[str, Any]]:
        rows = quarantine(self.dataset).load(self.lake).scan().to_arrow().to_pylist()
        return sorted(rows, key=lambda row: (row["_raw_object"], row["_raw_position"]))

    def ledger(self) -> list[dict[str, Any]]:
        rows = LEDGER.load(self.lake).scan().to_arrow().to_pylist()
        return sorted(
            (row for row in rows if row["dataset"] == self.dataset.name),
            key=lambda row: (row["sequence_number"], row["raw_object"]),
        )
