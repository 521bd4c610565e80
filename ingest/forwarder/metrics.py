"""What the forwarder counts, for Prometheus, and how it knows that all is well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PREFIX = "firelake_forwarder"


class Metrics:
    """Counts of one forwarder, in a registry of their own.

    Attributes
    ----------
    registry
        What Prometheus is shown.
    problem
        Why nothing is forwarded at the moment; None if all is well.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._connected = False
        self._failing: str | None = None
        self._connected_now = self._gauge("connected", "1 while messages are being consumed")
        self._held = self._gauge("held_messages", "Messages that the broker handed over, not yet settled")
        self._accepted_at = self._gauge("last_accepted_timestamp_seconds", "When Firehose last accepted one")
        self._received = self._counter("received_messages", "Messages handed over", "redelivered")
        self._messages = self._counter("forwarded_messages", "Messages accepted by Firehose")
        self._bytes = self._counter("forwarded_bytes", "Bytes of messages accepted by Firehose")
        self._refused = self._counter("refused_records", "Records that Firehose refused, to be sent again")
        self._failures = self._counter("failed_calls", "Calls in which Firehose accepted nothing")
        self._dead = self._counter("dead_lettered_messages", "Messages that never can be sent", "reason")
        self._losses = self._counter("lost_connections", "Connections to the broker that were lost")
        self._call_s = Histogram(
            f"{_PREFIX}_call_seconds", "Duration of PutRecordBatch calls", registry=self.registry
        )

    @property
    def problem(self) -> str | None:
        """Why nothing is forwarded at the moment; None if all is well."""
        return self._failing if self._connected else "not connected to the broker"

    def connected(self) -> None:
        """Note that messages are being consumed."""
        self._connected = True
        self._connected_now.set(1)
        self._held.set(0)

    def disconnected(self, *, lost: bool) -> None:
        """Note that no messages are being consumed any more; the broker has taken back what was held."""
        self._connected = False
        self._connected_now.set(0)
        self._held.set(0)
        if lost:
            self._losses.inc()

    def received(self, *, redelivered: bool) -> None:
        """Count a message that was handed over."""
        self._received.labels(str(redelivered).lower()).inc()
        self._held.inc()

    def accepted(self, messages: int, bytes_accepted: int) -> None:
        """Count messages that Firehose accepted, acknowledged by now."""
        if messages:
            self._failing = None
            self._accepted_at.set(time.time())
            self._messages.inc(messages)
            self._bytes.inc(bytes_accepted)
            self._held.dec(messages)

    def refused(self, records: int) -> None:
        """Count records of a call that Firehose answered and that must be sent again."""
        self._refused.inc(records)

    def call_failed(self, why: str) -> None:
        """Note a call in which Firehose accepted nothing."""
        self._failing = why
        self._failures.inc()

    def dead_lettered(self, reason: str) -> None:
        """Count a message that was moved to the dead-letter queue."""
        self._dead.labels(reason).inc()
        self._held.dec()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Measure one call, whatever comes of it."""
        with self._call_s.time():
            yield

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", meaning, registry=self.registry)
