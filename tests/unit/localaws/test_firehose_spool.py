"""Buffers on disk: whole records survive whatever the file's end looks like."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.firehose.items import Failure, Item
from localaws.firehose.processors import LambdaProcessor
from localaws.firehose.spool import Record, Spool
from localaws.firehose.transform import Transformer

START = datetime(2026, 11, 20, tzinfo=UTC)
RECORDS = st.lists(
    st.builds(
        Record,
        st.integers(min_value=-(10**6), max_value=10**6).map(lambda ms: START + timedelta(milliseconds=ms)),
        st.binary(max_size=40),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def append(spool: Spool, records: list[Record]) -> Spool:
    for record in records:
        spool.append(record.arrived_at, [record.data])
    return spool


def emptied(folder: Path) -> Path:
    for path in folder.iterdir():
        path.unlink()
    return folder


@given(records=RECORDS)
def test_records_come_back_in_order_with_the_oldest_time(folder: Path, records: list[Record]) -> None:
    written = append(Spool.create(emptied(folder), 1), records)
    [found] = Spool.found_in(folder)
    assert list(found.records()) == records
    assert found.oldest == min(record.arrived_at for record in records)
    assert found.bytes_raw == sum(len(record.data) for record in records)
    assert found.unique == written.unique


@given(records=RECORDS, data=st.data())
def test_a_torn_end_costs_only_the_torn_record(
    folder: Path, records: list[Record], data: st.DataObject
) -> None:
    append(Spool.create(emptied(folder), 1), records)
    [path] = folder.iterdir()
    kept_bytes = data.draw(st.integers(min_value=0, max_value=path.stat().st_size))
    path.write_bytes(path.read_bytes()[:kept_bytes])
    [found] = Spool.found_in(folder)
    survivors = list(found.records())
    assert survivors == records[: len(survivors)]
    whole = sum(12 + len(record.data) for record in survivors)
    assert kept_bytes - whole < 12 + max(len(record.data) for record in records)


def test_spools_come_back_in_the_order_in_which_they_were_made(folder: Path) -> None:
    emptied(folder)
    for number in (10, 9, 11):
        Spool.create(folder, number).append(START, [str(number).encode()])
    found = Spool.found_in(folder)
    assert [spool.number for spool in found] == [9, 10, 11]
    assert all(path.suffix == ".sealed" for path in folder.iterdir())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"not json", "Lambda.JsonProcessingException"),
        (b'{"records": 5}', "Lambda.JsonProcessingException"),
        (b"{}", "Lambda.JsonProcessingException"),
        (b'{"records": []}', "Lambda.MissingRecordId"),
        (b'{"records": "' + b"x" * (6 * 1024 * 1024) + b'"}', "Lambda.FunctionError"),
    ],
)
def test_a_bad_answer_fails_every_record_of_its_batch(answer: bytes, code: str) -> None:
    processor = LambdaProcessor("arn", 10, 0)
    transformer = Transformer(processor, "stream", "us-east-1", lambda arn, event: answer)
    records = [Record(START, b"0123456789"), Record(START, b"abc")]
    outcomes = list(transformer(Item(record, record.data) for record in records))
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Failure)] == [code] * 2
    assert [outcome.source for outcome in outcomes if isinstance(outcome, Failure)] == records
