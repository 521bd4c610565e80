"""Envelopes, JSON in texts, capitalisation, dropped fields and sizes, through the real engine."""

import json
from pathlib import Path
from typing import Any

import pytest
from firelake.outcome import Accounting
from firelake.spec import Dataset

from tests.unit.compact.lake import MemoryBucket, MemoryLake, dataset, key_of

TIME = "2026-11-21T11:00:00"


def run(spec: Dataset, directory: Path, *bodies: bytes) -> tuple[list[dict[str, Any]], Accounting]:
    """Return the trusted rows by column and the accounting of one run."""
    bucket = MemoryBucket({key_of(number): body for number, body in enumerate(bodies)})
    lake = MemoryLake(spec, directory, bucket)
    accounting = lake.run(bucket.objects)
    names = [*(column.name for column in spec.columns), "extra", "object", "position"]
    return [dict(zip(names, row, strict=True)) for row in lake.rows()], accounting


def lines(*records: object) -> bytes:
    return "".join(json.dumps(record) for record in records).encode()


CLOUDWATCH = {
    "columns": {
        "taken_at": {"path": "logEvents.timestamp", "type": "timestamp", "formats": ["epoch_ms"]},
        "log_group": {"path": "logGroup", "type": "string"},
        "user": {"path": "logEvents.message.user", "type": "string"},
    },
    "explode": "logEvents",
    "embedded_json": ["logEvents.message"],
    "max_lateness": "9d",
}


def envelope(*users: str) -> dict[str, Any]:
    at = 1795258800000
    events = [{"id": n, "timestamp": at + n, "message": json.dumps({"user": u})} for n, u in enumerate(users)]
    return {"logGroup": "g", "logEvents": events}


def test_elements_of_an_array_become_records_with_the_outer_fields(tmp_path: Path) -> None:
    body = lines(envelope("ann", "bob"), envelope()) + b"{oops" + lines(envelope("cyd"), {"logGroup": "g"})
    rows, accounting = run(dataset(**CLOUDWATCH), tmp_path, body, lines(envelope("dan")))
    assert sorted((row["object"], row["position"], row["user"], row["log_group"]) for row in rows) == [
        (key_of(1), 0, "dan", "g"),
        (key_of(0), 0, "ann", "g"),
        (key_of(0), 1, "bob", "g"),
        (key_of(0), 4, "cyd", "g"),
    ]
    assert accounting.balanced
    assert accounting.quarantined == {"malformed_json": 1, "nothing_to_explode": 2}
    assert accounting.records_in == 7


def test_an_element_is_quarantined_with_the_range_of_its_envelope(tmp_path: Path) -> None:
    first, second = (
        lines(envelope("ann")),
        lines({**envelope("ann", "bob"), "logEvents": [{"timestamp": "x"}, 5]}),
    )
    spec = dataset(**CLOUDWATCH)
    lake = MemoryLake(spec, tmp_path, MemoryBucket({key_of(0): first + second}))
    lake.run([key_of(0)])
    refused = lake.refused
    assert [(row["_position"], row["byte_offset"], row["byte_length"]) for row in refused] == [
        (1, len(first), len(second)),
        (2, len(first), len(second)),
    ]
    assert json.loads(refused[0]["raw_text"]) == {"logGroup": "g", "logEvents": {"timestamp": "x"}}


def test_text_that_is_no_json_holds_nothing(tmp_path: Path) -> None:
    columns = {
        "taken_at": {"path": "t", "type": "timestamp"},
        "inner": {"path": 'm."a.b"[1].c', "type": "int"},
        "whole": {"path": "m", "type": "string"},
    }
    spec = dataset(columns=columns, embedded_json=["m"])
    good = json.dumps({"a.b": [0, {"c": 7}]})
    rows, _ = run(spec, tmp_path, lines({"t": TIME, "m": good}, {"t": TIME, "m": "{broken"}, {"t": TIME}))
    assert {(row["whole"], row["inner"]) for row in rows} == {(good, 7), ("{broken", None), (None, None)}


def test_keys_are_found_however_they_are_capitalised(tmp_path: Path) -> None:
    columns = {
        "taken_at": {"path": "t", "type": "timestamp"},
        "high": {"path": "high", "type": "double"},
        "city": {"path": "Site.city", "aliases": ["place"], "type": "string"},
    }
    spec = dataset(columns=columns, ignore_case=True)
    records = [
        {"T": TIME, "High": 1.5, "site": {"CITY": "Oslo"}},
        {"t": TIME, "HIGH": 2, "Site": {"city": "Bergen"}},
        {"t": TIME, "high": 3, "HIGH": 9, "PLACE": "Hamar"},
        {"t": TIME, "HiGh": None, "hIGH": 4, "other": 1},
    ]
    together, _ = run(spec, tmp_path, lines(*records))
    assert [(row["high"], row["city"]) for row in sorted(together, key=lambda row: row["high"])] == [
        (1.5, "Oslo"),
        (2.0, "Bergen"),
        (3.0, "Hamar"),
        (4.0, None),
    ]
    extras = {row["high"]: row["extra"] for row in together}
    assert extras[4.0] == '{"other":1}'


def test_fields_that_are_let_go_are_counted(tmp_path: Path) -> None:
    spec = dataset(unknown_fields="drop")
    body = lines(
        {"d": 1, "t": TIME, "x": 1, "y": None}, {"d": 2, "t": TIME}, {"d": 3, "t": TIME, "x": {"a": 1}}
    )
    rows, accounting = run(spec, tmp_path, body)
    assert accounting.fields_dropped == 3
    assert [row["extra"] for row in rows] == [None, None, None]


def test_records_that_are_too_large_are_refused_and_their_neighbours_kept(tmp_path: Path) -> None:
    small, large = {"d": 1, "t": TIME}, {"d": 2, "t": TIME, "l": "x" * 2000}
    exact = {"d": 3, "t": TIME, "l": ""}
    exact["l"] = "y" * (1024 - len(lines(exact)))
    body = lines(small) + b"\n" * 50 + lines(large, exact)
    rows, accounting = run(dataset(max_record_bytes=1024), tmp_path, body + b" " * 3000)
    assert [row["device"] for row in rows] == [1, 3]
    assert accounting.quarantined == {"record_too_large": 1}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("-200", None),
        ("-200.0", None),
        ('"-200"', None),
        ('"NA"', None),
        ('""', None),
        ("-201", -201.0),
        ('"0"', 0.0),
    ],
)
def test_null_tokens_may_be_numbers(written: str, value: float | None, tmp_path: Path) -> None:
    columns = {
        "taken_at": {"path": "t", "type": "timestamp"},
        "co": {"path": "co", "type": "double", "null_tokens": ["NA", "", -200]},
    }
    rows, accounting = run(dataset(columns=columns), tmp_path, f'{{"t": "{TIME}", "co": {written}}}'.encode())
    assert [row["co"] for row in rows] == [value]
    assert accounting.quarantined == {}


def stamped(second: int, **fields: Any) -> dict[str, Any]:
    """Return a record as the Lambda transform hands it on."""
    stamp = {"arrived_at": f"2026-11-21T11:00:{second:02d}.000Z"}
    return {"_firelake": stamp, "d": 1, "v": 0.5, "t": TIME, "l": "a", **fields}


def test_what_was_stamped_on_the_way_tells_no_two_records_apart(tmp_path: Path) -> None:
    first, second = lines(stamped(1), stamped(2), stamped(2, more=1)), lines(stamped(3), stamped(4, d=2))
    rows, accounting = run(dataset(), tmp_path, first, second)
    assert sorted((row["device"], row["extra"] or "") for row in rows) == [
        (1, ""),
        (1, '{"more":1}'),
        (2, ""),
    ]
    assert (accounting.records_in, accounting.duplicates) == (5, 2)


def test_a_column_may_read_the_stamp_and_is_no_content_then(tmp_path: Path) -> None:
    columns = {
        "device": {"path": "d", "type": "int"},
        "taken_at": {"path": "t", "type": "timestamp"},
        "arrived_at": {"path": "_firelake.arrived_at", "type": "timestamp"},
    }
    spec = dataset(columns=columns, unknown_fields="drop")
    rows, accounting = run(spec, tmp_path, lines(stamped(7), stamped(8)))
    assert [row["arrived_at"].isoformat() for row in rows] == ["2026-11-21T11:00:07"]
    assert accounting.duplicates == 1
    assert accounting.fields_dropped == 4


def test_columns_may_be_called_as_the_engine_calls_its_own(tmp_path: Path) -> None:
    names = ["id", "key", "own", "ordinal", "arrived_at", "place", "object", "position", "record", "fields"]
    columns = {"taken_at": {"path": "t", "type": "timestamp"}} | {name: {"type": "int"} for name in names}
    record = {"t": TIME} | {name: number for number, name in enumerate(names, start=10)}
    rows, accounting = run(dataset(columns=columns), tmp_path, lines(record, record, {**record, "id": 1}))
    assert accounting.duplicates == 1
    assert [[row[name] for name in ("id", *names[1:6], *names[8:])] for row in rows] == [
        [1, 11, 12, 13, 14, 15, 18, 19],
        [10, 11, 12, 13, 14, 15, 18, 19],
    ]


@pytest.mark.parametrize(
    ("path", "is_stamp"),
    [
        ("_firelake", True),
        ('"_firelake".x', True),
        ("_firelake.x", True),
        ("_firelakes", False),
        ("a._firelake", False),
    ],
)
def test_a_path_leads_to_the_stamp_by_its_first_key(path: str, is_stamp: bool) -> None:
    columns = {"taken_at": {"path": "t", "type": "timestamp"}, "other": {"path": path, "type": "string"}}
    assert ("other" not in dataset(columns=columns).content_columns) is is_stamp
