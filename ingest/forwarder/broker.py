"""The broker's side: connecting, consuming with acknowledgements, and burying what is poison."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
    PublishError,
)
from aiormq.exceptions import ChannelAccessRefused, ConnectionNotAllowed
from firelake.errors import FirelakeError
from yarl import URL

from ingest.forwarder.forward import Poison
from ingest.forwarder.metrics import Metrics

_CONNECT_WITHIN_S = 10
_LOST = (AMQPError, ChannelInvalidStateError, OSError)


class BrokerLostError(Exception):
    """The broker does not answer, or no longer: it keeps what was not acknowledged."""


@contextmanager
def setting_up(what: str) -> Iterator[None]:
    """Tell what the operator must mend from what passes by itself.

    Raises
    ------
    FirelakeError
        If ``what`` is missing, is declared otherwise, or may not be used.
    BrokerLostError
        If the broker does not answer.
    """
    try:
        yield
    except ChannelNotFoundEntity as error:
        raise FirelakeError(f"{what} does not exist ({error}); `declare` it, or correct its name") from error
    except ChannelPreconditionFailed as error:
        raise FirelakeError(
            f"{what} exists with other properties ({error}); declare it as it is, or delete it"
        ) from error
    except (
        AuthenticationError,
        ProbableAuthenticationError,
        ChannelAccessRefused,
        ConnectionNotAllowed,
    ) as error:
        raise FirelakeError(
            f"{what}: access refused ({error}); correct the URL's user or its rights"
        ) from error
    except _LOST as error:
        raise BrokerLostError(f"{what}: {error or type(error).__name__}") from error


@contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except _LOST as error:
        raise BrokerLostError(str(error) or type(error).__name__) from error


async def connect(url: URL, name: str) -> AbstractConnection:
    """Connect to the broker, under a name that its administrators see.

    Raises
    ------
    FirelakeError
        If the broker refuses the user.
    BrokerLostError
        If it does not answer.
    """
    with setting_up(f"broker {url.host}:{url.port}"):
        return await aio_pika.connect(
            url, timeout=_CONNECT_WITHIN_S, client_properties={"connection_name": name}
        )


async def open_channel(connection: AbstractConnection) -> AbstractChannel:
    """Open a channel on which publishing to a queue that is missing raises.

    Raises
    ------
    BrokerLostError
        If the broker does not answer.
    """
    with _talking():
        return await connection.channel(on_return_raises=True)


@dataclass(frozen=True)
class Delivered:
    """A message that was handed over on one connection, and can be settled on no other."""

    incoming: AbstractIncomingMessage
    channel: AbstractChannel
    dead_letter_queue: str

    @property
    def body(self) -> bytes:
        """What the publisher sent."""
        return self.incoming.body

    @property
    def encoding(self) -> str | None:
        """How it says that its body is encoded."""
        return self.incoming.content_encoding

    async def ack(self) -> None:
        """Let the broker forget it."""
        with _talking():
            await self.incoming.ack()

    async def bury(self, poison: Poison) -> None:
        """Move it to the dead-letter queue, its reason and origin in the headers.

        Raises
        ------
        FirelakeError
            If there is no such queue.
        """
        dead = aio_pika.Message(
            self.incoming.body,
            headers={
                **self.incoming.headers,
                "x-firelake-reason": str(poison),
                "x-firelake-exchange": self.incoming.exchange or "",
                "x-firelake-routing-key": self.incoming.routing_key or "",
            },
            content_type=self.incoming.content_type,
            content_encoding=self.incoming.content_encoding,
            message_id=self.incoming.message_id,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        with _talking():
            try:
                await self.channel.default_exchange.publish(dead, self.dead_letter_queue, mandatory=True)
            except PublishError as error:
                raise FirelakeError(
                    f"queue {self.dead_letter_queue} does not exist: `declare` it; the message stays"
                ) from error
            await self.incoming.ack()


class Subscription:
    """One consumer of a queue on one connection.

    Parameters
    ----------
    channel
        The channel on which messages come and are settled.
    dead_letter_queue
        Where poison goes.
    metrics
        Told of every message.
    """

    def __init__(self, channel: AbstractChannel, dead_letter_queue: str, metrics: Metrics) -> None:
        self._channel = channel
        self._dead_letter_queue = dead_letter_queue
        self._metrics = metrics
        # Its length is bounded by the prefetch count.
        self._arrived: asyncio.Queue[Delivered | None] = asyncio.Queue()
        self._lost: str | None = None

    async def next(self) -> Delivered | None:
        """Wait for a message; None once the subscription was ended and nothing is left.

        Raises
        ------
        BrokerLostError
            If the connection is lost or the broker has cancelled the consumer.
        """
        if self._lost is None:
            message = await self._arrived.get()
            if message is not None or self._lost is None:
                return message
        raise BrokerLostError(self._lost)

    async def consume(self, queue: str, prefetch: int, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; what has arrived by then can still be taken.

        Raises
        ------
        FirelakeError
            If there is no such queue, or it may not be read.
        BrokerLostError
            If the broker does not answer.
        """
        with setting_up(f"queue {queue}"):
            await self._channel.set_qos(prefetch_count=prefetch)
            consumed = await self._channel.get_queue(queue)
            self._channel.close_callbacks.add(self._closed)
            underlay = await self._channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(self._cancelled)
            tag = await consumed.consume(self._arrive)
            self._metrics.connected()
            await stop.wait()
            await consumed.cancel(tag)
        self._arrived.put_nowait(None)

    async def _arrive(self, incoming: AbstractIncomingMessage) -> None:
        self._metrics.received(redelivered=bool(incoming.redelivered))
        self._arrived.put_nowait(Delivered(incoming, self._channel, self._dead_letter_queue))

    async def _cancelled(self, _frame: object) -> None:
        self._lose("the broker cancelled the consumer: its queue was deleted or moved")

    async def _closed(self, _channel: object, error: BaseException | None) -> None:
        self._lose(str(error) if error else "the channel was closed")

    def _lose(self, why: str) -> None:
        self._lost = why
        self._arrived.put_nowait(None)
