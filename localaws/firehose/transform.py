"""Lambda processing: batches of records through a function, by the contract of Firehose."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from localaws.firehose.destination import LambdaProcessor
from localaws.firehose.spool import Record
from localaws.service import AwsError

Invoke = Callable[[str, bytes], bytes]
"""Calls a function by its ARN with an event and returns its answer, or raises AwsError."""

_MAX_ANSWER_BYTES = 6 * 1024 * 1024
_BAD_ANSWER = "Lambda.JsonProcessingException"


@dataclass(frozen=True)
class Failure:
    """A record that goes to the error prefix, and why."""

    record: Record
    code: str
    message: str
    attempts: int

    def as_line(self, ended_at: datetime, lambda_arn: str) -> bytes:
        """Return the line that AWS writes for it."""
        fields = {
            "attemptsMade": self.attempts,
            "arrivalTimestamp": _milliseconds(self.record.arrived_at),
            "errorCode": self.code,
            "errorMessage": self.message,
            "attemptEndingTimestamp": _milliseconds(ended_at),
            "rawData": base64.b64encode(self.record.data).decode(),
            "lambdaArn": lambda_arn,
        }
        return json.dumps(fields).encode() + b"\n"


@dataclass(frozen=True)
class Transformer:
    """Sends records through a function.

    Parameters
    ----------
    processor
        The function and how it is called.
    stream_arn, region
        What the function is told of the stream.
    invoke
        How a function is called.
    """

    processor: LambdaProcessor
    stream_arn: str
    region: str
    invoke: Invoke

    def apply(self, records: Iterable[Record]) -> Iterator[bytes | Failure]:
        """Yield, in order, what is to be delivered and what failed; dropped records leave no trace."""
        for batch in _batches(records, self.processor.batch_bytes):
            yield from self._apply_batch(batch)

    def _apply_batch(self, batch: list[Record]) -> Iterator[bytes | Failure]:
        identified = {f"{position:056d}": record for position, record in enumerate(batch)}
        try:
            answered = self._answers(identified)
        except AwsError as error:
            attempts = self.processor.retries + 1
            yield from (Failure(record, error.code, error.message, attempts) for record in batch)
            return
        for record_id, record in identified.items():
            outcome = _outcome(record, answered.get(record_id, []))
            if outcome is not None:
                yield outcome

    def _answers(self, identified: dict[str, Record]) -> dict[str, list[dict[str, Any]]]:
        event = json.dumps(
            {
                "invocationId": str(uuid.uuid4()),
                "deliveryStreamArn": self.stream_arn,
                "region": self.region,
                "records": [
                    {
                        "recordId": record_id,
                        "approximateArrivalTimestamp": _milliseconds(record.arrived_at),
                        "data": base64.b64encode(record.data).decode(),
                    }
                    for record_id, record in identified.items()
                ],
            }
        ).encode()
        answered: dict[str, list[dict[str, Any]]] = {}
        for answer in _parsed(self._invoke_with_retries(event)):
            answered.setdefault(str(answer.get("recordId")), []).append(answer)
        return answered

    def _invoke_with_retries(self, event: bytes) -> bytes:
        for _ in range(self.processor.retries):
            try:
                return self.invoke(self.processor.arn, event)
            except AwsError:
                continue
        return self.invoke(self.processor.arn, event)


def _batches(records: Iterable[Record], batch_bytes: int) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        if batch and size + len(record.data) > batch_bytes:
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.data)
    if batch:
        yield batch


def _parsed(answer: bytes) -> list[dict[str, Any]]:
    if len(answer) > _MAX_ANSWER_BYTES:
        raise AwsError("Lambda.FunctionError", f"the function answered {len(answer)} bytes, more than 6 MB")
    try:
        records = json.loads(answer)["records"]
    except (ValueError, KeyError, TypeError) as error:
        raise AwsError(_BAD_ANSWER, f"the answer has no list of records: {error}") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise AwsError(_BAD_ANSWER, "the answer's records are not a list of objects")
    return records


def _outcome(record: Record, answers: list[dict[str, Any]]) -> bytes | Failure | None:
    if not answers:
        return Failure(record, "Lambda.MissingRecordId", "the function did not answer this recordId", 1)
    if len(answers) > 1:
        return Failure(record, "Lambda.DuplicatedRecordId", "the function answered this recordId twice", 1)
    result = answers[0].get("result")
    if result == "Dropped":
        return None
    if result == "Ok":
        return _decoded(record, answers[0].get("data"))
    message = (
        "ProcessingFailed status set for record" if result == "ProcessingFailed" else f"result is {result!r}"
    )
    return Failure(record, "Lambda.ProcessingFailedStatus", message, 1)


def _decoded(record: Record, data: object) -> bytes | Failure:
    try:
        return base64.b64decode(data if isinstance(data, str) else "?", validate=True)
    except binascii.Error as error:
        return Failure(record, _BAD_ANSWER, f"data is not base64: {error}", 1)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
