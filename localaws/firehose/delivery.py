"""Delivery of sealed buffers to S3, tried again until it works."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue

from localaws.firehose.objects import ObjectWriter
from localaws.firehose.stream import Stream, Waiting
from localaws.service import AwsError, Context

_log = logging.getLogger(__name__)

_TICK_S = 0.2
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class _Pause:
    """How long a stream rests after a delivery that failed."""

    length_s: float
    until: float


class Delivery:
    """Delivers the buffers of all streams, from one thread.

    Parameters
    ----------
    context
        Clock, account and region.
    writer
        Writes the objects.
    streams
        Gives the streams that exist at the moment.
    """

    def __init__(self, context: Context, writer: ObjectWriter, streams: Callable[[], list[Stream]]) -> None:
        self._context = context
        self._writer = writer
        self._streams = streams
        self._pauses: dict[str, _Pause] = {}
        self._delivering = threading.Lock()
        self._retired: SimpleQueue[Stream] = SimpleQueue()
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="firehose-delivery", daemon=True)

    def start(self) -> None:
        """Start delivering what is due, and whenever the clock is set."""
        self._context.clock.subscribe(self.deliver_due)
        self._thread.start()

    def stop(self) -> None:
        """Deliver everything that is buffered; what S3 refuses stays on disk for the next start."""
        self._stopped = True
        self._wake.set()
        self._thread.join()
        for stream in self._streams():
            stream.seal()
        self._deliver_sealed(self._streams(), at_once=True)
        self._finish_retired()

    def wake(self) -> None:
        """Tell that a buffer is full."""
        self._wake.set()

    def deliver_due(self, now: datetime) -> None:
        """Deliver all buffers that are due at a time, the one with the oldest record first."""
        streams = self._streams()
        for stream in streams:
            stream.seal_due(now)
        self._deliver_sealed(streams, at_once=True)

    def retire(self, stream: Stream) -> None:
        """Deliver what a deleted stream still holds, soon and once, and forget the stream."""
        self._retired.put(stream)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(_TICK_S)
            self._wake.clear()
            try:
                streams = self._streams()
                now = self._context.clock.now()
                for stream in streams:
                    stream.seal_due(now)
                self._deliver_sealed(streams, at_once=False)
                self._finish_retired()
            except Exception:
                # The thread must outlive whatever one buffer does to it.
                _log.exception("Firehose delivery failed and goes on")

    def _finish_retired(self) -> None:
        while not self._retired.empty():
            stream = self._retired.get()
            stream.seal()
            self._deliver_sealed([stream], at_once=True)
            if lost := stream.sealed():
                _log.warning("deleted stream %s: %d buffers could not be delivered", stream.name, len(lost))
            stream.delete()

    def _deliver_sealed(self, streams: list[Stream], *, at_once: bool) -> None:
        with self._delivering:
            everything = [(waiting, stream) for stream in streams for waiting in stream.sealed()]
            refused: set[str] = set()
            for waiting, stream in sorted(everything, key=lambda pair: pair[0].spool.order):
                may_try = stream.name not in refused and (at_once or self._may_try(stream))
                if may_try and not self._try(stream, waiting):
                    refused.add(stream.name)

    def _may_try(self, stream: Stream) -> bool:
        pause = self._pauses.get(stream.name)
        return pause is None or time.monotonic() >= pause.until

    def _try(self, stream: Stream, waiting: Waiting) -> bool:
        try:
            self._writer.write(stream, waiting)
        except AwsError as error:
            _log.warning("stream %s cannot deliver and keeps its records: %s", stream.name, error.message)
            self._rest(stream)
            return False
        except Exception:
            # One stream's buffer must not keep the others from being delivered.
            _log.exception("stream %s cannot deliver and keeps its records", stream.name)
            self._rest(stream)
            return False
        self._pauses.pop(stream.name, None)
        stream.delivered(waiting)
        return True

    def _rest(self, stream: Stream) -> None:
        """Let a stream wait for longer each time that it cannot deliver."""
        last = self._pauses.get(stream.name)
        length_s = _FIRST_PAUSE_S if last is None else min(last.length_s * 2, _LONGEST_PAUSE_S)
        self._pauses[stream.name] = _Pause(length_s, time.monotonic() + length_s)
