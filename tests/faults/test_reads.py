"""Readers without pause while a table is published again and again: each sees one whole snapshot."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Semaphore

import pytest
from firelake import aws
from firelake.layout import Zone
from firelake.tables import trusted

from tests.contract.core.lake import DAY, TestLake, body_of, record

PUBLISHES = 100
READS_A_PUBLISH = 100
READERS = 2
ROWS = 10
# Publishes take turns in these many partitions.
DAYS = 10
# What a metadata file names never changes, so most reads may remember it; these many do not.
READ_ALL_EVERY = 50
LIMIT_S = 120


class Reader:
    """Reads a table's devices; asks the catalog each time which snapshot is current."""

    def __init__(self, lake: TestLake) -> None:
        self._lake = lake
        self._known: dict[str, list[int]] = {}

    def devices(self, *, anew: bool) -> list[int]:
        location = self._current()
        if anew or location not in self._known:
            table = trusted(self._lake.dataset).load(self._lake.lake)
            location = table.metadata_location
            self._known[location] = sorted(table.scan().to_arrow()["device"].to_pylist())
        return self._known[location]

    def _current(self) -> str:
        database = self._lake.lake.database(Zone.TRUSTED)
        found = aws.client("glue").get_table(DatabaseName=database, Name=self._lake.dataset.name)
        return found["Table"]["Parameters"]["metadata_location"]


@pytest.mark.timeout(1800)
def test_every_read_is_one_snapshot(lake: TestLake) -> None:
    done, reads = Event(), Semaphore(0)

    def read() -> list[int]:
        reader, lengths = Reader(lake), list[int]()
        while not done.is_set():
            devices = reader.devices(anew=len(lengths) % READ_ALL_EVERY == 0)
            assert devices == list(range(len(devices)))
            lengths.append(len(devices))
            reads.release()
        return lengths

    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read) for _ in range(READERS)]
        try:
            for number in range(PUBLISHES):
                _publish(lake, number)
                if not all(reads.acquire(timeout=LIMIT_S) for _ in range(READS_A_PUBLISH)):
                    break
        finally:
            done.set()
        seen = [reader.result() for reader in readers]
    assert sum(map(len, seen)) >= PUBLISHES * READS_A_PUBLISH
    # A snapshot that a reader has seen is never taken back, and most of them were seen.
    assert all(lengths == sorted(lengths) for lengths in seen)
    assert set(_lengths(seen)) <= {ROWS * number for number in range(PUBLISHES + 1)}
    assert len(set(_lengths(seen))) > PUBLISHES // 2


def _publish(lake: TestLake, number: int) -> None:
    day, first = DAY + timedelta(days=number % DAYS), number * ROWS
    lake.put(day + timedelta(minutes=number), body_of(record(n, day) for n in range(first, first + ROWS)))
    lake.run(f"{day:%Y-%m-%d}")


def _lengths(seen: list[list[int]]) -> Iterator[int]:
    for lengths in seen:
        yield from lengths
