"""Readers without pause while a table is published again and again: each sees one whole snapshot."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

from firelake.tables import trusted

from tests.contract.core.lake import DAY, TestLake, body_of, record

PUBLISHES = 40
READERS = 3
ROWS = 10


def test_every_read_is_one_snapshot(lake: TestLake) -> None:
    done = Event()
    seen: list[list[int]] = []

    def read() -> None:
        while not done.is_set():
            table = trusted(lake.dataset).load(lake.lake)
            seen.append(sorted(table.scan().to_arrow()["device"].to_pylist()))

    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read) for _ in range(READERS)]
        try:
            for number in range(PUBLISHES):
                first = number * ROWS
                body = body_of(record(n) for n in range(first, first + ROWS))
                lake.put(DAY + timedelta(minutes=number), body)
                lake.run("2026-11-21")
        finally:
            done.set()
        for reader in readers:
            reader.result()
    assert len(seen) > 3 * PUBLISHES
    assert len({len(devices) for devices in seen}) > PUBLISHES // 2
    for devices in seen:
        assert len(devices) % ROWS == 0
        assert devices == list(range(len(devices)))
