import time
from pathlib import Path

from tests.unit.compact.lake import MemoryBucket, MemoryLake, dataset, key_of


def seconds(directory: Path, records: int) -> float:
    directory.mkdir()
    body = b'{"d": "x", "t": "2026-11-21T11:00:00"}' * records
    lake = MemoryLake(dataset(), directory, MemoryBucket({key_of(0): body}))
    began = time.process_time()
    assert lake.run([key_of(0)]).quarantined == {"wrong_type": records}
    return time.process_time() - began


def test_a_day_on_which_every_record_is_refused_takes_linear_time(tmp_path: Path) -> None:
    small = seconds(tmp_path / "small", 5_000)
    assert seconds(tmp_path / "large", 80_000) < 16 * 4 * small + 1
