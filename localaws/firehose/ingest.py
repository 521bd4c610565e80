"""PutRecord and PutRecordBatch: records into the buffers of their stream."""

from __future__ import annotations

import binascii
import re
import secrets
from collections.abc import Callable

from localaws.clock import Clock
from localaws.faults import Faults
from localaws.firehose.stream import Stream
from localaws.service import AwsError, Payload

_MAX_RECORD_BYTES = 1000 * 1024
_MAX_BATCH_BYTES = 4 * 1024 * 1024
_MAX_BATCH_RECORDS = 500
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}", re.ASCII)
_UNAVAILABLE = "ServiceUnavailableException"
_SLOW_DOWN = "Slow down."
_POSITIONS = tuple(f"{position:08x}" for position in range(_MAX_BATCH_RECORDS))
_REFUSED = {"ErrorCode": _UNAVAILABLE, "ErrorMessage": _SLOW_DOWN}


class Ingest:
    """Takes records in.

    Parameters
    ----------
    clock, faults
        When a record arrives, and which ones are refused.
    stream
        Gives the stream that takes direct puts, by its name.
    wake
        Called when a buffer is full.
    """

    def __init__(
        self, clock: Clock, faults: Faults, stream: Callable[[str], Stream], wake: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._stream = stream
        self._wake = wake

    def put_record(self, payload: Payload) -> Payload:
        """PutRecord."""
        stream = self._stream(payload["DeliveryStreamName"])
        if self._faults.strikes("firehose.PutRecord"):
            raise AwsError(_UNAVAILABLE, _SLOW_DOWN, 503)
        self.append(stream, _decoded([payload["Record"]["Data"]]))
        return {"RecordId": secrets.token_hex(64), "Encrypted": False}

    def put_record_batch(self, payload: Payload) -> Payload:
        """PutRecordBatch: a record that fails by a wanted fault is not buffered, all others are."""
        stream = self._stream(payload["DeliveryStreamName"])
        bodies = _decoded([item["Data"] for item in payload["Records"]])
        if sum(map(len, bodies)) > _MAX_BATCH_BYTES:
            raise AwsError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        struck = self._faults.strike_all("firehose.PutRecordBatch", len(bodies))
        failed = sum(struck)
        accepted = (
            [body for body, fails in zip(bodies, struck, strict=True) if not fails] if failed else bodies
        )
        self.append(stream, accepted)
        # One draw of chance for a batch: what makes ids unique within it is the position.
        batch_id = secrets.token_hex(60)
        answers = [
            _REFUSED if fails else {"RecordId": batch_id + position}
            for position, fails in zip(_POSITIONS, struck, strict=False)
        ]
        return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": answers}

    def append(self, stream: Stream, bodies: list[bytes]) -> None:
        """Buffer records that arrive now, and have them delivered if that fills a buffer."""
        if stream.append(self._clock.now(), bodies):
            self._wake()


def is_plain_batch(payload: Payload) -> bool:
    """Tell whether a PutRecordBatch keeps every limit of the API model, at a glance."""
    name, records = payload.get("DeliveryStreamName"), payload.get("Records")
    if type(name) is not str or type(records) is not list or not 0 < len(records) <= _MAX_BATCH_RECORDS:
        return False
    if not all(type(record) is dict and "Data" in record for record in records):
        return False
    texts = [record["Data"] for record in records]
    are_texts = set(map(type, texts)) == {str}
    return are_texts and max(map(len, texts)) <= _MAX_RECORD_BYTES and _NAME.fullmatch(name) is not None


def _decoded(texts: list[str]) -> list[bytes]:
    try:
        return [binascii.a2b_base64(text, strict_mode=True) for text in texts]
    except ValueError as error:
        raise AwsError("SerializationException", f"Data is not base64: {error}") from error
