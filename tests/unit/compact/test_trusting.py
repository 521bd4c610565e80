"""What lets a run skip the check that records are JSON: whatever types them refuses the same texts."""

from pathlib import Path

import duckdb
from hypothesis import HealthCheck, example, given, settings

from tests.unit.compact.lake import MemoryBucket, MemoryLake, dataset, key_of
from tests.unit.raw.test_salvage import near_json

READERS = (
    """SELECT json_transform(?, '{"a": "VARCHAR", "b": "DOUBLE"}')""",
    """SELECT json_extract_string(?, '$."a"[0]')""",
    "SELECT json_keys(?)",
)
texts = near_json.filter(lambda data: b"\x00" not in data).map(lambda data: data.decode(errors="ignore"))
GOOD = b'{"d": 1, "t": "2026-11-21T11:00:00"}'


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(texts)
@example('{"a": 1,}')
@example('{"a": NaN, "b": -Infinity}')
@example('{"a": 1} {"b": 2}')
@example('{"b": 1e999}')
@example('{"a": "\\ud800"}')
def test_whatever_types_records_refuses_what_is_no_json(text: str) -> None:
    valid = duckdb.execute("SELECT json_valid(?)", [text]).fetchall() == [(True,)]
    for reader in READERS:
        try:
            duckdb.execute(reader, [text]).fetchall()
        except duckdb.InvalidInputException:
            assert not valid, reader
        else:
            assert valid, reader


def test_a_batch_that_was_trusted_wrongly_is_taken_in_once(tmp_path: Path) -> None:
    bodies = {key_of(0): GOOD + b'{"d": tru}' + GOOD.replace(b"1", b"2", 1), key_of(1): GOOD * 2}
    lake = MemoryLake(dataset(), tmp_path, MemoryBucket(bodies))
    accounting = lake.run(bodies)
    assert (accounting.records_in, accounting.trusted_new, accounting.duplicates) == (5, 2, 2)
    assert accounting.quarantined == {"malformed_json": 1}
