"""Lambda processing: batches of records through a function, by the contract of Firehose."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from localaws.firehose.items import Failure, Item, Outcome, milliseconds
from localaws.firehose.partitioning import FAILED, LAMBDA, key_text
from localaws.firehose.processors import LambdaProcessor
from localaws.service import AwsError

Invoke = Callable[[str, bytes], bytes]
"""Calls a function by its ARN with an event and returns its answer, or raises AwsError."""

_MAX_ANSWER_BYTES = 6 * 1024 * 1024
_BAD_ANSWER = "Lambda.JsonProcessingException"


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

    def __call__(self, items: Iterable[Item]) -> Iterator[Outcome]:
        """Yield, in order, what is to be delivered and what failed; dropped records leave no trace."""
        for batch in _batches(items, self.processor.batch_bytes):
            yield from self._apply_batch(batch)

    def _apply_batch(self, batch: list[Item]) -> Iterator[Outcome]:
        identified = {f"{position:056d}": item for position, item in enumerate(batch)}
        try:
            answered = self._answers(identified)
        except AwsError as error:
            attempts = self.processor.retries + 1
            yield from (self._failure(item, error, attempts) for item in batch)
            return
        for record_id, item in identified.items():
            try:
                data = _accepted(answered.get(record_id, []))
                if data is not None:
                    yield Item(item.source, data, {**item.keys, **_keys(answered[record_id][0])})
            except AwsError as error:
                yield self._failure(item, error)

    def _failure(self, item: Item, error: AwsError, attempts: int = 1) -> Failure:
        details = {"lambdaArn": self.processor.arn}
        return Failure(item.source, error.code, error.message, attempts, details=details)

    def _answers(self, identified: dict[str, Item]) -> dict[str, list[dict[str, Any]]]:
        event = json.dumps(
            {
                "invocationId": str(uuid.uuid4()),
                "deliveryStreamArn": self.stream_arn,
                "region": self.region,
                "records": [
                    {
                        "recordId": record_id,
                        "approximateArrivalTimestamp": milliseconds(item.source.arrived_at),
                        "data": base64.b64encode(item.data).decode(),
                    }
                    for record_id, item in identified.items()
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


def _batches(items: Iterable[Item], batch_bytes: int) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and size + len(item.data) > batch_bytes:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.data)
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


def _accepted(answers: list[dict[str, Any]]) -> bytes | None:
    """Return what a function made of a record, or ``None`` when it dropped it."""
    if not answers:
        raise AwsError("Lambda.MissingRecordId", "the function did not answer this recordId")
    if len(answers) > 1:
        raise AwsError("Lambda.DuplicatedRecordId", "the function answered this recordId twice")
    result = answers[0].get("result")
    if result == "Dropped":
        return None
    if result == "Ok":
        return _decoded(answers[0].get("data"))
    message = (
        "ProcessingFailed status set for record" if result == "ProcessingFailed" else f"result is {result!r}"
    )
    raise AwsError("Lambda.ProcessingFailedStatus", message)


def _decoded(data: object) -> bytes:
    try:
        return base64.b64decode(data if isinstance(data, str) else "?", validate=True)
    except binascii.Error as error:
        raise AwsError(_BAD_ANSWER, f"data is not base64: {error}") from error


def _keys(answer: dict[str, Any]) -> dict[str, str]:
    """Return the partition keys that a function gave a record."""
    metadata = answer.get("metadata") or {}
    keys = metadata.get("partitionKeys") or {} if isinstance(metadata, dict) else metadata
    if not isinstance(keys, dict):
        raise AwsError(FAILED, "metadata.partitionKeys is not an object")
    try:
        return {f"{LAMBDA}:{name}": key_text(value) for name, value in keys.items()}
    except ValueError as error:
        raise AwsError(FAILED, str(error)) from error
