"""What the forwarder does with messages, whatever Firehose and the broker do to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from firelake.errors import LakeUnreachable
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.batching import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_RECORD_BYTES
from ingest.forwarder.forward import Forwarder, Limits, Poison, poison_of
from ingest.forwarder.metrics import Metrics

sizes = st.one_of(
    st.integers(0, 300), st.sampled_from([MAX_RECORD_BYTES - 1, MAX_RECORD_BYTES, MAX_RECORD_BYTES + 1])
)
# For each call: the share of its records that is refused, or a failure of the whole call.
mishaps = st.lists(st.one_of(st.floats(0, 1), st.just("unreachable")), max_size=12)


class NoPause(Random):
    """Draws pauses of no length."""

    def random(self) -> float:
        return 0.0


@dataclass
class UnsteadyFirehose:
    """Has one mishap a call until all have happened, then accepts everything."""

    mishaps: list[Any]
    always: Any = 0.0
    random: Random = field(default_factory=NoPause)
    calls: list[list[int]] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, payloads: Sequence[bytes]) -> dict[int, Any]:
        with self._lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            assert 0 < len(payloads) <= MAX_BATCH_RECORDS
            assert sum(map(len, payloads)) <= MAX_BATCH_BYTES
            assert all(0 < len(payload) <= MAX_RECORD_BYTES for payload in payloads)
            mishap = self.mishaps.pop() if self.mishaps else self.always
        try:
            if mishap == "unreachable":
                raise LakeUnreachable("nobody answers")
            refused = round(mishap * len(payloads))
            with self._lock:
                self.calls.append([len(payload) for payload in payloads])
                self.accepted += [id(payload) for payload in payloads[refused:]]
            answer = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
            return dict.fromkeys(range(refused), answer)
        finally:
            with self._lock:
                self.under_way -= 1


@dataclass
class Letter:
    """A message that tells whether it was settled at the right time."""

    body: bytes
    firehose: UnsteadyFirehose
    encoding: str | None = None
    acks: int = 0
    buried: list[Poison] = field(default_factory=list)
    fails: bool = False

    async def ack(self) -> None:
        assert id(self.body) in self.firehose.accepted
        if self.fails:
            raise ConnectionError("the channel is gone")
        self.acks += 1

    async def bury(self, poison: Poison) -> None:
        self.buried.append(poison)


@dataclass
class Post:
    """Hands over letters, then ends or fails."""

    letters: list[Letter]
    failure: Exception | None = None
    taken: int = 0

    async def next(self) -> Letter | None:
        await asyncio.sleep(0)
        if self.taken < len(self.letters):
            self.taken += 1
            return self.letters[self.taken - 1]
        if self.failure is not None:
            raise self.failure
        return None


def letters_of(sizes: list[int], firehose: UnsteadyFirehose) -> list[Letter]:
    # bytearray makes each body an object of its own, so that it can be followed.
    return [Letter(bytes(bytearray(size)), firehose) for size in sizes]


def forward(
    source: Any, firehose: UnsteadyFirehose, limits: Limits | None = None, *, stopping: bool = False
) -> Metrics:
    metrics = Metrics()
    forwarder = Forwarder(firehose, limits or Limits(), metrics)  # type: ignore[arg-type]

    async def run() -> None:
        stop = asyncio.Event()
        if stopping:
            stop.set()
        await asyncio.wait_for(forwarder.run(source, stop), timeout=60)

    asyncio.run(run())
    return metrics


def counted(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value(f"firelake_forwarder_{name}") or 0.0


@settings(max_examples=40, deadline=None)
@given(st.lists(sizes, max_size=30), st.integers(1, 40), mishaps, st.integers(1, 4))
def test_each_message_is_settled_once_and_only_when_it_is_safe(
    sizes: list[int], copies: int, mishaps: list[Any], concurrency: int
) -> None:
    small = [size for size in sizes if size <= 300]
    firehose = UnsteadyFirehose(mishaps)
    letters = letters_of(sizes + small * (copies - 1), firehose)
    metrics = forward(Post(letters), firehose, Limits(concurrency=concurrency))
    good = [letter for letter in letters if poison_of(letter) is None]
    assert all((letter.acks, letter.buried) == (1, []) for letter in good)
    assert sorted(firehose.accepted) == sorted(id(letter.body) for letter in good)
    poison = [letter for letter in letters if poison_of(letter) is not None]
    assert all((letter.acks, letter.buried) == (0, [poison_of(letter)]) for letter in poison)
    assert firehose.most_under_way <= concurrency
    assert counted(metrics, "forwarded_messages_total") == len(good)
    assert counted(metrics, "forwarded_bytes_total") == sum(len(letter.body) for letter in good)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=700), mishaps, st.integers(0, 699))
def test_a_lost_broker_ends_it_and_nothing_unaccepted_was_acknowledged(
    sizes: list[int], mishaps: list[Any], broken: int
) -> None:
    firehose = UnsteadyFirehose(mishaps)
    letters = letters_of(sizes, firehose)
    letters[broken % len(letters)].fails = True
    with pytest.raises(ConnectionError):
        forward(Post(letters, ConnectionError("the connection is gone")), firehose)
    acked = {id(letter.body) for letter in letters if letter.acks}
    assert acked <= set(firehose.accepted)
    assert all(letter.acks <= 1 for letter in letters)


def test_only_what_was_refused_is_offered_again() -> None:
    firehose = UnsteadyFirehose([0.5, 0.5, 0.5])
    letters = letters_of([1, 2, 3, 4, 5, 6, 7, 8], firehose)
    forward(Post(letters), firehose)
    assert firehose.calls == [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [1, 2], [1]]


@pytest.mark.parametrize("always", [1.0, "unreachable"])
def test_draining_ends_in_time_and_gives_back_what_was_never_accepted(always: Any) -> None:
    firehose = UnsteadyFirehose([], always, Random(1))  # noqa: S311
    letters = letters_of([10] * 20, firehose)
    metrics = forward(Post(letters), firehose, Limits(drain_s=0.05))
    assert [letter.acks for letter in letters] == [0] * 20
    assert counted(metrics, "failed_calls_total") > 0


def test_draining_ends_in_time_even_if_batches_wait_for_a_call() -> None:
    firehose = UnsteadyFirehose([], "unreachable", Random(1))  # noqa: S311
    letters = letters_of([10] * 2000, firehose)
    forward(Post(letters), firehose, Limits(concurrency=1, drain_s=0.05), stopping=True)
    assert sum(letter.acks for letter in letters) == 0


def test_a_batch_that_is_not_full_is_sent_at_its_age() -> None:
    """The source waits until the only message is settled: without an age, forever."""
    firehose = UnsteadyFirehose([])
    settled = asyncio.Event()
    [letter] = letters_of([10], firehose)

    class Waiting(Post):
        async def next(self) -> Letter | None:
            if self.taken:
                while not letter.acks:
                    await asyncio.sleep(0.001)
                settled.set()
            return await super().next()

    forward(Waiting([letter]), firehose, Limits(age_s=0.01))
    assert settled.is_set()


def test_it_is_well_while_connected_and_accepted() -> None:
    metrics = Metrics()
    assert metrics.problem == "not connected to the broker"
    metrics.connected()
    assert metrics.problem is None
    metrics.call_failed("Slow down.")
    assert metrics.problem == "Slow down."
    metrics.accepted(1, 10)
    assert metrics.problem is None
    metrics.disconnected(lost=True)
    assert metrics.problem == "not connected to the broker"
    assert counted(metrics, "lost_connections_total") == 1


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_that_is_encoded_is_poison(encoding: str) -> None:
    assert poison_of(Letter(b"x", UnsteadyFirehose([]), encoding)) is Poison.ENCODED
    assert poison_of(Letter(b"x", UnsteadyFirehose([]), "utf-8")) is None


def test_an_error_that_nobody_expects_ends_the_forwarder() -> None:
    class Broken(UnsteadyFirehose):
        def put(self, payloads: Sequence[bytes]) -> dict[int, Any]:
            raise ValueError("a bug")

    firehose = Broken([])
    letters = letters_of([10], firehose)
    with pytest.raises(ValueError, match="a bug"):
        forward(Post(letters), firehose)
    assert letters[0].acks == 0
