"""What goes through a stream's processors, and what fails in them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from localaws.firehose.spool import Record

PROCESSING = "processing-failed"
CONVERSION = "format-conversion-failed"
PARTITIONS = "activePartitionExceeded"


@dataclass(frozen=True, slots=True)
class Item:
    """A record on its way.

    Parameters
    ----------
    source
        The record as it came in, or the part of it that de-aggregation made.
    data
        What has become of its bytes.
    keys
        Its partition keys, by namespace and name such as ``partitionKeyFromQuery:device``.
    """

    source: Record
    data: bytes
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that goes to the error prefix, and why.

    Parameters
    ----------
    source
        The record as it came in, or the part of it that de-aggregation made.
    code, message
        AWS's error code, and what is wrong.
    attempts
        How often it was tried.
    kind
        The value of ``!{firehose:error-output-type}``.
    details
        Fields that only failures of this kind have.
    """

    source: Record
    code: str
    message: str
    attempts: int = 1
    kind: str = PROCESSING
    details: Mapping[str, object] = field(default_factory=dict)

    def as_line(self, ended_at: datetime) -> bytes:
        """Return the line that AWS writes for it; its field names differ by kind."""
        code, message = ("lastErrorCode", "lastErrorMessage")
        if self.kind != CONVERSION:
            code, message = ("errorCode", "errorMessage")
        fields = {
            "attemptsMade": self.attempts,
            "arrivalTimestamp": milliseconds(self.source.arrived_at),
            code: self.code,
            message: self.message,
            "attemptEndingTimestamp": milliseconds(ended_at),
            "rawData": base64.b64encode(self.source.data).decode(),
            **self.details,
        }
        return json.dumps(fields).encode() + b"\n"


Outcome = Item | Failure
Stage = Callable[[Iterable[Item]], Iterator[Outcome]]
"""One processor: each item in, and what has become of it out; one that is dropped leaves no trace."""


def run_stages(stages: Iterable[Stage], records: Iterable[Record]) -> tuple[list[Item], list[Failure]]:
    """Send records through processors in their order; what fails in one does not reach the next."""
    items = [Item(record, record.data) for record in records]
    failures: list[Failure] = []
    for stage in stages:
        passed: list[Item] = []
        for outcome in stage(items):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                passed.append(outcome)
        items = passed
    return items, failures


def milliseconds(moment: datetime) -> int:
    """Return a time as AWS writes it into events and error objects."""
    return round(moment.timestamp() * 1000)
