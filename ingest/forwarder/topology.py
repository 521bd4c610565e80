"""The exchange, the queues and the binding that the forwarder needs, and declaring them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aio_pika import ExchangeType
from aio_pika.abc import AbstractConnection
from pamqp.common import FieldTable

from ingest.forwarder.broker import setting_up


class QueueKind(StrEnum):
    """How the broker keeps the queue: replicated in a cluster, or on one node."""

    QUORUM = "quorum"
    CLASSIC = "classic"


@dataclass(frozen=True)
class Topology:
    """A queue of our own beside whatever else is bound to the publisher's exchange.

    Parameters
    ----------
    exchange
        The fanout exchange that devices' messages come to.
    queue
        Our queue; its dead letters go to the queue of that name with ``.dead`` behind it.
    create_exchange
        Make the exchange too, if there is none; it is usually somebody else's.
    """

    exchange: str
    queue: str
    kind: QueueKind = QueueKind.QUORUM
    create_exchange: bool = False


def dead_letter_queue(queue: str) -> str:
    """Return the name of the queue for what a queue's messages cannot become."""
    return f"{queue}.dead"


async def declare(connection: AbstractConnection, topology: Topology) -> None:
    """Make what is missing of a topology; what exists with other properties is refused.

    Raises
    ------
    FirelakeError
        If something exists with other properties, the exchange is missing, or access is refused.
    BrokerLostError
        If the connection is lost.
    """
    dead = dead_letter_queue(topology.queue)
    async with await connection.channel() as channel:
        with setting_up(f"exchange {topology.exchange}"):
            if topology.create_exchange:
                exchange = await channel.declare_exchange(
                    topology.exchange, ExchangeType.FANOUT, durable=True
                )
            else:
                exchange = await channel.get_exchange(topology.exchange)
        with setting_up(f"queue {dead}"):
            await channel.declare_queue(dead, durable=True, arguments={"x-queue-type": str(topology.kind)})
        with setting_up(f"queue {topology.queue}"):
            queue = await channel.declare_queue(
                topology.queue, durable=True, arguments=_arguments(topology.kind, dead)
            )
            await queue.bind(exchange)


def _arguments(kind: QueueKind, dead: str) -> FieldTable:
    """Return the queue's arguments; a broker that gives up on a message must not drop it."""
    return {"x-queue-type": str(kind), "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
