"""Sending through Firehose: within its limits, and again what it refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from firelake import aws
from firelake.errors import FirelakeError

from ingest.backoff import Backoff
from ingest.batching import batches

if TYPE_CHECKING:
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_firehose.type_defs import PutRecordBatchResponseEntryTypeDef

_MAX_FRUITLESS_TRIES = 9


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

    def put(self, payloads: Sequence[bytes]) -> Mapping[int, PutRecordBatchResponseEntryTypeDef]:
        """Offer Firehose one batch, once; return its answers to the records that it refused, by position.

        Raises
        ------
        LakeUnreachable
            If the endpoint does not answer, or there is no such stream.
        FirelakeError
            If Firehose refuses the whole call.
        """
        with aws.reaching(f"stream {self.stream}"):
            response = self.client.put_record_batch(
                DeliveryStreamName=self.stream, Records=[{"Data": payload} for payload in payloads]
            )
        self.batches += 1
        if not response["FailedPutCount"]:
            return {}
        answers = enumerate(response["RequestResponses"])
        return {position: answer for position, answer in answers if "ErrorCode" in answer}

    def _send_batch(self, batch: list[bytes]) -> None:
        backoff = Backoff(self.random)
        while refused := self.put(batch):
            if len(refused) < len(batch):
                backoff.progress()
            elif backoff.tries == _MAX_FRUITLESS_TRIES:
                answer = next(iter(refused.values()))
                raise FirelakeError(
                    f"stream {self.stream}: {len(refused)} records still refused after {backoff.tries} "
                    f"more tries ({answer.get('ErrorCode')}: {answer.get('ErrorMessage')}); send more slowly"
                )
            self.sleep(backoff.pause_s())
            self.resends += len(refused)
            batch = [batch[position] for position in refused]
