from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from firelake.compact.discover import discover
from firelake.periods import Grain, PeriodRange
from firelake.spec import Dataset
from firelake.storage import ObjectInfo

from tests.unit.compact.lake import dataset

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FIRST = datetime(2024, 11, 22, tzinfo=UTC)
YESTERDAY = PeriodRange.parse("2026-11-21", Grain.DAY)


@dataclass
class CountingBucket:
    """A sorted listing that counts what is taken from it, as S3 would bill it."""

    keys: list[str]
    calls: int = 0
    listed: int = 0

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.calls += 1
        position = bisect_left(self.keys, prefix)
        while position < len(self.keys) and self.keys[position].startswith(prefix):
            self.listed += 1
            yield ObjectInfo(self.keys[position], 100, "", NOW)
            position += 1

    def folders(self, prefix: str) -> Iterator[str]:
        self.calls += 1
        position = bisect_left(self.keys, prefix)
        while position < len(self.keys) and self.keys[position].startswith(prefix):
            folder = self.keys[position][: self.keys[position].index("/", len(prefix)) + 1]
            yield folder
            position = bisect_left(self.keys, folder + "\U0010ffff")


@dataclass
class KnownLedger:
    """Entries of objects by key."""

    entries: dict[str, str] = field(default_factory=dict)

    def processed(self, since: datetime, until: datetime) -> pa.Table:
        return pa.Table.from_pylist(
            [
                {
                    "entry": "processed",
                    "raw_object": key,
                    "arrival_period": period,
                    "event_partitions": period,
                }
                for key, period in self.entries.items()
            ],
            schema=pa.schema(
                dict.fromkeys(("entry", "raw_object", "arrival_period", "event_partitions"), pa.string())
            ),
        )


def history(folder: str, objects: int) -> list[str]:
    step = (NOW - FIRST) / objects
    arrivals = (FIRST + number * step for number in range(objects))
    return sorted(
        f"{arrival:{folder}}s-1-{arrival:%Y-%m-%d-%H-%M-%S}-{number:08x}-0000-4000-8000-000000000000.gz"
        for number, arrival in enumerate(arrivals)
    )


def spec(prefix: str) -> Dataset:
    return dataset(raw={"prefix": prefix})


@pytest.mark.parametrize(
    ("prefix", "folder", "calls"),
    [
        ("a/", "a/%Y/%m/%d/%H/", 1),
        ("a/!{timestamp:yyyyMMdd}-", "a/%Y%m%d-", 1),
        ("a/k=!{partitionKeyFromQuery:k}/dt=!{timestamp:yyyy-MM-dd}/", "a/k=v/dt=%Y-%m-%d/", 2),
    ],
)
def test_a_million_old_keys_cost_a_days_run_nothing(prefix: str, folder: str, calls: int) -> None:
    bucket = CountingBucket(history(folder, 1_000_000))
    found = discover(bucket, spec(prefix), YESTERDAY, KnownLedger())  # type: ignore[arg-type]
    assert len(found.objects) == pytest.approx(1_000_000 / 730, abs=1)
    assert bucket.listed == len(found.objects)
    assert bucket.calls == calls


def test_only_objects_of_periods_that_have_run_are_swept() -> None:
    keys = history("a/%Y/%m/%d/%H/", 7300)
    recent = [key for key in keys if "2026/11/20" in key]
    ran = KnownLedger({recent[0]: "2026-11-20"})
    swept = discover(CountingBucket(keys), spec("a/"), YESTERDAY, ran)  # type: ignore[arg-type]
    alone = discover(CountingBucket(keys), spec("a/"), YESTERDAY, KnownLedger())  # type: ignore[arg-type]
    assert {source.key for source in swept.objects} - {source.key for source in alone.objects} == set(
        recent[1:]
    )


def test_objects_of_another_zones_day_are_taken_by_their_own_time() -> None:
    tokyo = dataset(raw={"prefix": "a/!{timestamp:yyyy-MM-dd}/", "zone": "Asia/Tokyo"})
    names = {
        hour: f"a/2026-11-21/s-1-2026-11-21-{hour:02d}-00-00-{'0' * 8}-0000-4000-8000-{'0' * 12}"
        for hour in (8, 9)
    }
    found = discover(CountingBucket(sorted(names.values())), tokyo, YESTERDAY, KnownLedger())  # type: ignore[arg-type]
    # 08:00 in Tokyo is 23:00 of the day before in UTC.
    assert [source.key for source in found.objects] == [names[9]]
    assert found.objects[0].arrived_at == YESTERDAY.start
