"""Sending through Firehose: within its limits, and again what it refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from firelake import aws
from firelake.errors import FirelakeError

if TYPE_CHECKING:
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_firehose.type_defs import PutRecordBatchResponseEntryTypeDef

MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = 1000 * 1024
_MAX_FRUITLESS_TRIES = 9
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0


def batches(payloads: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Group payloads, in order, into batches that one PutRecordBatch call takes.

    Raises
    ------
    FirelakeError
        If a payload is larger than Firehose takes, or empty.
    """
    batch: list[bytes] = []
    batch_bytes = 0
    for payload in payloads:
        if not 0 < len(payload) <= MAX_RECORD_BYTES:
            raise FirelakeError(f"a record of {len(payload)} bytes: Firehose takes 1 to {MAX_RECORD_BYTES}")
        if len(batch) == MAX_BATCH_RECORDS or batch_bytes + len(payload) > MAX_BATCH_BYTES:
            yield batch
            batch, batch_bytes = [], 0
        batch.append(payload)
        batch_bytes += len(payload)
    if batch:
        yield batch


@dataclass
class Sender:
    """Sends payloads to one stream and counts.

    A call that Firehose answered but whose answer was lost is repeated whole by boto3: delivery is
    at least once, as with every producer.

    Parameters
    ----------
    stream
        The stream's name.
    client
        The Firehose client.
    random
        Spreads the pauses before resending.
    sleep
        Waits for some seconds.
    """

    stream: str
    client: FirehoseClient
    random: Random
    sleep: Callable[[float], None] = time.sleep
    records: int = 0
    bytes_sent: int = 0
    batches: int = 0
    resends: int = 0

    def send(self, payloads: Iterable[bytes]) -> None:
        """Send all payloads, and return when Firehose has accepted every one.

        Raises
        ------
        LakeUnreachable
            If the endpoint does not answer, or there is no such stream.
        FirelakeError
            If Firehose keeps refusing a record.
        """
        for batch in batches(payloads):
            self._send_batch(batch)
            self.records += len(batch)
            self.bytes_sent += sum(len(payload) for payload in batch)

    def _send_batch(self, batch: list[bytes]) -> None:
        refused, fruitless_tries = self._put(batch), 0
        while refused:
            if fruitless_tries == _MAX_FRUITLESS_TRIES:
                answer = refused[0][1]
                raise FirelakeError(
                    f"stream {self.stream}: {len(refused)} records still refused after {fruitless_tries} "
                    f"more tries ({answer.get('ErrorCode')}: {answer.get('ErrorMessage')}); send more slowly"
                )
            self.sleep(self.random.random() * min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**fruitless_tries))
            self.resends += len(refused)
            still_refused = self._put([payload for payload, _ in refused])
            fruitless_tries = 0 if len(still_refused) < len(refused) else fruitless_tries + 1
            refused = still_refused

    def _put(self, payloads: Sequence[bytes]) -> list[tuple[bytes, PutRecordBatchResponseEntryTypeDef]]:
        """Call PutRecordBatch once; return what was refused, with the answer to it."""
        with aws.reaching(f"stream {self.stream}"):
            response = self.client.put_record_batch(
                DeliveryStreamName=self.stream, Records=[{"Data": payload} for payload in payloads]
            )
        self.batches += 1
        if not response["FailedPutCount"]:
            return []
        answers = zip(payloads, response["RequestResponses"], strict=True)
        return [(payload, answer) for payload, answer in answers if "ErrorCode" in answer]
