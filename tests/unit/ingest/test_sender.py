from __future__ import annotations

from random import SystemRandom
from typing import Any

import pytest
from firelake.errors import FirelakeError
from hypothesis import given
from hypothesis import strategies as st

from ingest.batching import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_RECORD_BYTES, batches
from ingest.sender import Sender

sizes = st.lists(
    st.one_of(st.integers(1, 3000), st.integers(MAX_RECORD_BYTES - 10, MAX_RECORD_BYTES)), max_size=40
)


class RefusingFirehose:
    """Accepts the records for which ``accepts`` says so, and keeps them."""

    def __init__(self, accepts: Any) -> None:
        self.accepts = accepts
        self.accepted: list[bytes] = []
        self.calls: list[int] = []

    def put_record_batch(self, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> Any:  # noqa: N803
        assert DeliveryStreamName == "stream"
        self.calls.append(len(Records))
        answers: list[dict[str, str]] = []
        for record in Records:
            if self.accepts(record["Data"]):
                self.accepted.append(record["Data"])
                answers.append({"RecordId": "1"})
            else:
                answers.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedPutCount": failed, "RequestResponses": answers}


def sender(firehose: Any, pauses: list[float]) -> Sender:
    return Sender("stream", firehose, SystemRandom(), pauses.append)


@given(sizes)
def test_batches_keep_order_and_stay_within_the_limits(sizes: list[int]) -> None:
    payloads = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    grouped = list(batches(payloads))
    assert [payload for batch in grouped for payload in batch] == payloads
    for batch in grouped:
        assert 0 < len(batch) <= MAX_BATCH_RECORDS
        assert sum(map(len, batch)) <= MAX_BATCH_BYTES


def test_a_batch_holds_at_most_500_records() -> None:
    assert [len(batch) for batch in batches([b"x"] * 1001)] == [500, 500, 1]


@pytest.mark.parametrize("payload", [b"", b"x" * (MAX_RECORD_BYTES + 1)])
def test_a_record_that_firehose_would_refuse_is_refused_first(payload: bytes) -> None:
    with pytest.raises(FirelakeError, match=rf"a record of {len(payload)} bytes"):
        list(batches([payload]))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 20))
def test_only_refused_records_are_sent_again_until_all_are_accepted(refusals: list[int], copies: int) -> None:
    payloads = [b"%d" % number for number in range(len(refusals) * copies)]
    due = {payload: refusals[number % len(refusals)] for number, payload in enumerate(payloads)}

    def accepts(payload: bytes) -> bool:
        due[payload] -= 1
        return due[payload] < 0

    firehose, pauses = RefusingFirehose(accepts), list[float]()
    one = sender(firehose, pauses)
    one.send(payloads)
    assert sorted(firehose.accepted) == sorted(payloads)
    assert (one.records, one.bytes_sent) == (len(payloads), sum(map(len, payloads)))
    assert one.resends == sum(refusals) * copies
    assert one.batches == len(firehose.calls)
    assert len(pauses) == one.batches - -(-len(payloads) // MAX_BATCH_RECORDS)
    assert all(0 <= pause <= 10 for pause in pauses)


def test_a_stream_that_keeps_refusing_ends_in_an_error_that_says_why() -> None:
    firehose = RefusingFirehose(lambda data: data != b"bad")
    with pytest.raises(FirelakeError, match=r"stream stream: 1 records still refused after 9 .*Slow down"):
        sender(firehose, []).send([b"good", b"bad"])
    assert firehose.accepted == [b"good"]
    assert firehose.calls == [2] + [1] * 9
