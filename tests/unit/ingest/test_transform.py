"""The Lambda function: its contract with Firehose, whatever the records hold."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.transform.handler import MAX_ANSWER_BYTES, RESERVED_MS, handle, transform
from ingest.transform.package import package

ARRIVED_AT = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
STAMP = {"arrived_at": "2026-11-21T12:00:00.250Z"}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text().filter(lambda key: key != "_firelake"), values, max_size=4)
spaces = st.text(alphabet=" \t\r\n", max_size=3)


@dataclass
class Call:
    """A call of which each look at the clock takes some time."""

    remaining_ms: int = 60_000
    step_ms: int = 0
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        self.remaining_ms -= self.step_ms
        return self.remaining_ms


def event_of(*records: bytes) -> dict[str, Any]:
    return {
        "invocationId": "1",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/lake-clicks",
        "records": [
            {
                "recordId": f"{number:056d}",
                "approximateArrivalTimestamp": round(ARRIVED_AT.timestamp() * 1000),
                "data": base64.b64encode(record).decode(),
            }
            for number, record in enumerate(records)
        ],
    }


def results(*records: bytes) -> list[str]:
    return [answer["result"] for answer in handle(event_of(*records), Call())["records"]]


@settings(deadline=None)
@given(st.lists(st.tuples(objects, spaces), max_size=4), st.booleans(), st.sampled_from([None, 2]))
def test_each_object_becomes_a_line_that_says_the_same_and_when_it_arrived(
    written: list[tuple[dict[str, Any], str]], escaped: bool, indent: int | None
) -> None:
    texts = [json.dumps(each, ensure_ascii=escaped, indent=indent) + space for each, space in written]
    lines = transform("".join(texts).encode("utf-8", "surrogatepass"), ARRIVED_AT).decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == [{"_firelake": STAMP, **each} for each, _ in written]


def test_numbers_and_repeated_keys_stay_as_they_are_written() -> None:
    text = b'{"a":1.10,"b":1E400,"c":12345678901234567890123,"a":-0.0}'
    assert transform(text, ARRIVED_AT).decode() == (
        '{"_firelake": {"arrived_at": "2026-11-21T12:00:00.250Z"}, ' + text[1:].decode() + "\n"
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=40) | objects.map(lambda each: json.dumps(each).encode()), max_size=6))
def test_every_record_is_answered_once_in_order_whatever_it_holds(records: list[bytes]) -> None:
    event = event_of(*records)
    answers = handle(event, Call())["records"]
    assert [answer["recordId"] for answer in answers] == [record["recordId"] for record in event["records"]]
    for answer, record in zip(answers, records, strict=True):
        assert (answer["result"] == "Ok") == ("data" in answer)
        assert (answer["result"] == "Dropped") == (not record.strip(b" \t\r\n"))
        if answer["result"] == "Ok":
            assert base64.b64decode(answer["data"]).endswith(b"}\n")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b'{"a": 1', "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": 1} oops', "malformed_json"),
        (b'{"a": "\x01"}', "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"a": "\xff"}', "invalid_utf8"),
        (b"[{}]", "not_an_object"),
        (b'{"a": 1} 7', "not_an_object"),
        (b'{"_firelake": {"arrived_at": "1999-01-01"}}', "reserved_key"),
    ],
)
def test_what_is_no_object_fails_alone_and_says_why(
    record: bytes, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert results(b'{"a": 1}', record, b'{"a": 2}') == ["Ok", "ProcessingFailed", "Ok"]
    warning = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (warning["level"], warning["reason"]) == ("WARNING", reason)
    assert warning["record"] == f"{1:056d}"
    assert warning["stream"] == "lake-clicks"


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 1_000_000), min_size=4, max_size=8), st.integers(0, 2000))
def test_the_answer_is_never_larger_than_firehose_takes(sizes: list[int], small: int) -> None:
    records = [b'{"a":"' + b"x" * size + b'"}' for size in sizes] + [b"{}"] * small
    answer = handle(event_of(*records), Call())
    assert len(json.dumps(answer)) <= MAX_ANSWER_BYTES
    failed = [record for record, each in zip(records, answer["records"], strict=True) if "data" not in each]
    room = MAX_ANSWER_BYTES - len(json.dumps(answer))
    # What failed did not fit: with its text in base64, the stamp and the shorter result.
    assert all(len(record) * 4 / 3 + 100 > room for record in failed)


def test_what_there_is_no_time_for_fails_and_what_was_done_counts() -> None:
    call = Call(remaining_ms=RESERVED_MS + 30, step_ms=10)
    answers = handle(event_of(*[b'{"a": 1}'] * 5), call)["records"]
    assert [answer["result"] for answer in answers] == ["Ok"] * 3 + ["ProcessingFailed"] * 2


def test_the_figures_of_a_call_are_metrics_to_cloudwatch(capsys: pytest.CaptureFixture[str]) -> None:
    results(b'{"a": 1}', b" ", b"oops", *[b"oops"] * 20)
    *warnings, figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(warnings) == 10
    [directive] = figures["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Firelake/Transform"
    assert directive["Dimensions"] == [["Stream"]]
    assert figures["Stream"] == "lake-clicks"
    told = {metric["Name"]: figures[metric["Name"]] for metric in directive["Metrics"]}
    del told["Duration"], told["BytesOut"]
    assert told == {
        "RecordsIn": 23,
        "RecordsOk": 1,
        "RecordsDropped": 1,
        "RecordsFailed": 21,
        "BytesIn": 8 + 1 + 21 * 4,
    }


def test_nothing_is_kept_between_two_calls(capsys: pytest.CaptureFixture[str]) -> None:
    event = event_of(b'{"a": 1}', b"oops")
    assert handle(event, Call()) == handle(event, Call())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("RecordsIn") for line in lines] == [None, 2, None, 2]


def test_the_package_is_always_the_same_and_needs_nothing_but_python(tmp_path: Path) -> None:
    assert package() == package()
    path = tmp_path / "code.zip"
    path.write_bytes(package())
    program = f"import sys; sys.path.insert(0, {str(path)!r}); import handler; print(handler.handle.__name__)"
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "handle\n", ran.stderr
