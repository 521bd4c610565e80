"""Messages become Firehose records, in batches; each is acknowledged when Firehose has accepted it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from firelake.errors import FirelakeError

from ingest.backoff import Backoff
from ingest.batching import MAX_RECORD_BYTES, Batcher
from ingest.forwarder.metrics import Metrics
from ingest.sender import Sender

_log = logging.getLogger(__name__)

_PLAIN_ENCODINGS = (None, "", "identity", "utf-8")


class Poison(StrEnum):
    """Why a message can never become a Firehose record."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    ENCODED = "encoded"


class Message(Protocol):
    """One message that the broker has handed over and not forgotten."""

    @property
    def body(self) -> bytes:
        """What the publisher sent."""

    @property
    def encoding(self) -> str | None:
        """How it says that its body is encoded, such as ``gzip``."""

    async def ack(self) -> None:
        """Let the broker forget it."""

    async def bury(self, poison: Poison) -> None:
        """Move it to the dead-letter queue."""


class Source(Protocol):
    """Where messages come from."""

    async def next(self) -> Message | None:
        """Wait for a message; None once there will be no more."""


@dataclass(frozen=True)
class Limits:
    """How long messages wait, and how many batches are under way.

    Parameters
    ----------
    age_s
        A batch is sent at this age of its oldest message, full or not.
    concurrency
        Calls to Firehose at the same time.
    drain_s
        After the source has ended, what Firehose has not accepted within this time is given back.
    """

    age_s: float = 1.0
    concurrency: int = 4
    drain_s: float = 20.0


@contextmanager
def first_failure() -> Iterator[None]:
    """Raise, of what failed in a group of tasks, the first: it ended the others."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from group


def poison_of(message: Message) -> Poison | None:
    """Return why a message can never be forwarded; None if it can."""
    if not message.body:
        return Poison.EMPTY
    if len(message.body) > MAX_RECORD_BYTES:
        return Poison.TOO_LARGE
    # A compressed body between plain ones could not be told from garbage in the object.
    return None if message.encoding in _PLAIN_ENCODINGS else Poison.ENCODED


class Forwarder:
    """Forwards what a source hands over.

    Parameters
    ----------
    sender
        Sends to the stream.
    metrics
        Told of everything that happens.
    """

    def __init__(self, sender: Sender, limits: Limits, metrics: Metrics) -> None:
        self._sender = sender
        self._limits = limits
        self._metrics = metrics

    async def run(self, source: Source, stop: asyncio.Event) -> None:
        """Forward until the source ends, then send what was taken, as long as draining may last.

        Whatever fails, a message that Firehose did not accept is not acknowledged: the broker
        hands it over again.

        Parameters
        ----------
        stop
            Set when the source is told to end, and by its end: draining counts from then, even if
            messages that were taken still wait for a call.

        Raises
        ------
        Exception
            What the source or one of its messages raises first.
        """
        slots = asyncio.Semaphore(self._limits.concurrency)
        try:
            with first_failure():
                async with asyncio.timeout(None) as draining, asyncio.TaskGroup() as calls:
                    calls.create_task(self._limit(draining, stop))
                    async for batch in self._batches(source):
                        await slots.acquire()
                        sending = calls.create_task(self._send(batch))
                        sending.add_done_callback(lambda _: slots.release())
                    stop.set()
        except TimeoutError:
            _log.warning("gave back what Firehose did not accept within %s s", self._limits.drain_s)

    async def _limit(self, draining: asyncio.Timeout, stop: asyncio.Event) -> None:
        await stop.wait()
        draining.reschedule(asyncio.get_running_loop().time() + self._limits.drain_s)

    async def _batches(self, source: Source) -> AsyncIterator[list[Message]]:
        """Yield batches that are full, old enough, or the last; bury what fits into none."""
        clock = asyncio.get_running_loop().time
        batcher = Batcher[Message](lambda message: len(message.body))
        due: float | None = None
        while True:
            try:
                async with asyncio.timeout_at(due):
                    message = await source.next()
            except TimeoutError:
                due = None
                yield batcher.take()
                continue
            if message is None:
                break
            if (poison := poison_of(message)) is not None:
                await self._bury(message, poison)
                continue
            full = batcher.add(message)
            if len(batcher) <= 1:
                due = clock() + self._limits.age_s if len(batcher) else None
            if full:
                yield full
        if len(batcher):
            yield batcher.take()

    async def _bury(self, message: Message, poison: Poison) -> None:
        await message.bury(poison)
        self._metrics.dead_lettered(poison)
        _log.warning("a message of %d bytes went to the dead-letter queue: %s", len(message.body), poison)

    async def _send(self, batch: Sequence[Message]) -> None:
        """Offer a batch, and again what was refused of it, until all of it is accepted."""
        backoff = Backoff(self._sender.random)
        while batch:
            refused = await self._offer(batch)
            accepted = [message for position, message in enumerate(batch) if position not in refused]
            for message in accepted:
                await message.ack()
            self._metrics.accepted(len(accepted), sum(len(message.body) for message in accepted))
            batch = [batch[position] for position in refused]
            if accepted:
                backoff.progress()
            if batch:
                await asyncio.sleep(backoff.pause_s())

    async def _offer(self, batch: Sequence[Message]) -> Collection[int]:
        """Call Firehose once; return the positions of what it did not accept."""
        try:
            with self._metrics.calling():
                refused = await asyncio.to_thread(self._sender.put, [message.body for message in batch])
        except FirelakeError as error:
            # Endpoint, permissions, stream: none of them is the messages' fault, and all can be mended.
            self._metrics.call_failed(str(error))
            _log.warning("%s", error)
            return range(len(batch))
        if len(refused) == len(batch):
            answer = next(iter(refused.values()))
            self._metrics.call_failed(f"{answer.get('ErrorCode')}: {answer.get('ErrorMessage')}")
        self._metrics.refused(len(refused))
        return refused
