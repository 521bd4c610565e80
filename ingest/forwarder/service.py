"""The forwarder as a service: it connects, forwards, connects again, and stops when told to."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from random import SystemRandom

from yarl import URL

from ingest.backoff import Backoff
from ingest.forwarder import broker
from ingest.forwarder.forward import Forwarder, first_failure
from ingest.forwarder.metrics import Metrics
from ingest.forwarder.topology import dead_letter_queue

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True)
class Inlet:
    """Where messages come from.

    Parameters
    ----------
    url
        The broker, with user and password.
    queue
        The queue.
    prefetch
        Messages held at most: together with their size, the bound of the memory that they take.
    """

    url: URL
    queue: str
    prefetch: int


class Service:
    """Forwards from one queue until it is told to stop.

    Parameters
    ----------
    inlet
        Where messages come from.
    forwarder
        Forwards them.
    metrics
        Told of connections.
    """

    def __init__(self, inlet: Inlet, forwarder: Forwarder, metrics: Metrics) -> None:
        self._inlet = inlet
        self._forwarder = forwarder
        self._metrics = metrics
        self._backoff = Backoff(SystemRandom(), _FIRST_PAUSE_S, _LONGEST_PAUSE_S)

    async def run(self, stop: asyncio.Event) -> None:
        """Forward until ``stop`` is set, connecting again whenever the broker is lost.

        Raises
        ------
        FirelakeError
            If something must be mended first: a missing queue, a refused user.
        """
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            began = clock()
            try:
                await self._session(stop)
            except broker.BrokerLostError as lost:
                if clock() - began > _LONGEST_PAUSE_S:
                    self._backoff.progress()
                _log.warning("%s; connecting again", lost)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._backoff.pause_s()):
                        await stop.wait()

    async def _session(self, stop: asyncio.Event) -> None:
        """Forward on one connection until it is lost or ``stop`` is set and all is drained."""
        queue = self._inlet.queue
        connection = await broker.connect(self._inlet.url, f"firelake forwarder of {queue}")
        lost = True
        try:
            subscription = broker.Subscription(
                await broker.open_channel(connection), dead_letter_queue(queue), self._metrics
            )
            with first_failure():
                async with asyncio.TaskGroup() as both:
                    both.create_task(subscription.consume(queue, self._inlet.prefetch, stop))
                    await self._forwarder.run(subscription, stop)
            lost = False
        finally:
            self._metrics.disconnected(lost=lost)
            await connection.close()
