"""Firehose's Lambda transform: whole JSON objects, one a line, each with the time of its arrival.

It needs nothing but Python, and keeps nothing between two calls. A record is answered

- ``Ok`` if it is one JSON object, or several behind one another: each then ends with a newline and
  begins with ``"_firelake": {"arrived_at": …}``; the rest of its text is as it was, digit by digit;
- ``Dropped`` if it holds nothing but white space;
- ``ProcessingFailed`` otherwise, and where the answer's size or the time left allow no more:
  Firehose files the record as it came under the error prefix, from where it can be replayed.
"""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol

STAMP_KEY = "_firelake"

# What Lambda returns at most, and so what Firehose takes.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_ANSWER_BYTES = 6 * 1024 * 1024
# Enough to answer the rest of the largest batch as failed.
RESERVED_MS = 2000

_SPACE = " \t\r\n"
_LINE_BREAKS = str.maketrans("\r\n", "  ")
_MAX_LOGGED = 10


class Context(Protocol):
    """What Lambda tells of the call."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the call may still take."""


class RefusedRecordError(ValueError):
    """A record that cannot be transformed; the text is the reason's code."""


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Transform one batch, by Firehose's contract."""
    began = time.monotonic()
    batch = _Batch(event["records"])
    answers = [batch.answer(record, context) for record in event["records"]]
    stream = event["deliveryStreamArn"].rpartition("/")[2]
    for failure in batch.failures:
        _log({"level": "WARNING", "stream": stream, "request": context.aws_request_id, **failure})
    _log(batch.metrics(stream, context.aws_request_id, round((time.monotonic() - began) * 1000, 3)))
    return {"records": answers}


def transform(data: bytes, arrived_at: datetime) -> bytes:
    """Return a record's objects, a line each, with their arrival; nothing if there are none.

    Raises
    ------
    RefusedRecordError
        If anything in it is no JSON object, or it has the key that is added here.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedRecordError("invalid_utf8") from error
    stamp = json.dumps({STAMP_KEY: {"arrived_at": _iso(arrived_at)}})[:-1]
    return "".join(_line(each, stamp) for each in _objects(text)).encode("utf-8")


def _objects(text: str) -> Iterator[str]:
    """Yield the text of each JSON object."""
    position = _skip_space(text, 0)
    while position < len(text):
        try:
            value, end = _DECODER.raw_decode(text, position)
        # An object nested deeper than Python's stack is none that anything behind could read.
        except (ValueError, RecursionError) as error:
            raise RefusedRecordError("malformed_json") from error
        if not isinstance(value, dict):
            raise RefusedRecordError("not_an_object")
        if STAMP_KEY in value:
            raise RefusedRecordError("reserved_key")
        yield text[position:end]
        position = _skip_space(text, end)


def _line(text: str, stamp: str) -> str:
    """Return an object's text on one line, the stamp before its first key."""
    # Within JSON's texts line breaks are always escaped: these stand between tokens.
    rest = text[1:].translate(_LINE_BREAKS)
    return f"{stamp}{'' if rest.lstrip(_SPACE) == '}' else ', '}{rest}\n"


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


# Numbers are looked at, not read: they stay as they are written.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


@dataclass
class _Batch:
    """One call's answers: how much room is left for them, and what became of the records."""

    records: list[dict[str, Any]]
    room: int = field(init=False)
    results: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)
    bytes_in: int = 0
    bytes_out: int = 0

    def __post_init__(self) -> None:
        """Keep room to answer every record as failed: that is the least it takes."""
        least = (_size(_failed(record["recordId"])) + len(", ") for record in self.records)
        self.room = MAX_ANSWER_BYTES - len('{"records": []}') - sum(least)

    def answer(self, record: dict[str, Any], context: Context) -> dict[str, str]:
        """Return the answer to one record."""
        record_id = record["recordId"]
        try:
            if context.get_remaining_time_in_millis() < RESERVED_MS:
                raise RefusedRecordError("out_of_time")
            answer = self._transformed(record)
        except RefusedRecordError as refusal:
            answer = _failed(record_id)
            if len(self.failures) < _MAX_LOGGED:
                self.failures.append({"record": record_id, "reason": str(refusal)})
        self.results[answer["result"]] += 1
        return answer

    def metrics(self, stream: str, request: str, milliseconds: float) -> dict[str, Any]:
        """Return the call's figures in CloudWatch's embedded metric format."""
        figures: dict[str, tuple[float, str]] = {
            "RecordsIn": (len(self.records), "Count"),
            "RecordsOk": (self.results["Ok"], "Count"),
            "RecordsDropped": (self.results["Dropped"], "Count"),
            "RecordsFailed": (self.results["ProcessingFailed"], "Count"),
            "BytesIn": (self.bytes_in, "Bytes"),
            "BytesOut": (self.bytes_out, "Bytes"),
            "Duration": (milliseconds, "Milliseconds"),
        }
        directive = {
            "Namespace": "Firelake/Transform",
            "Dimensions": [["Stream"]],
            "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in figures.items()],
        }
        return {
            "_aws": {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": [directive]},
            "level": "INFO",
            "request": request,
            "Stream": stream,
            **{name: value for name, (value, _) in figures.items()},
        }

    def _transformed(self, record: dict[str, Any]) -> dict[str, str]:
        try:
            data = base64.b64decode(record["data"], validate=True)
        except ValueError as error:
            raise RefusedRecordError("not_base64") from error
        self.bytes_in += len(data)
        arrived_at = datetime.fromtimestamp(record["approximateArrivalTimestamp"] / 1000, UTC)
        transformed = transform(data, arrived_at)
        if not transformed:
            return {"recordId": record["recordId"], "result": "Dropped"}
        answer = {
            "recordId": record["recordId"],
            "result": "Ok",
            "data": base64.b64encode(transformed).decode("ascii"),
        }
        more = _size(answer) - _size(_failed(record["recordId"]))
        if more > self.room:
            raise RefusedRecordError("answer_full")
        self.room -= more
        self.bytes_out += len(transformed)
        return answer


def _failed(record_id: str) -> dict[str, str]:
    return {"recordId": record_id, "result": "ProcessingFailed"}


def _size(answer: dict[str, str]) -> int:
    return len(json.dumps(answer))


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _log(entry: dict[str, Any]) -> None:
    """Write one line, from which CloudWatch takes the metrics, if it holds any."""
    print(json.dumps(entry), flush=True)
