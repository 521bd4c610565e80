"""Delivery of sealed buffers to S3, tried again until it works."""

from __future__ import annotations

import gzip
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue

from localaws import base
from localaws.firehose import naming
from localaws.firehose.spool import Record, Spool
from localaws.firehose.stream import Stream
from localaws.firehose.transform import Failure, Transformer
from localaws.service import AwsError, Context
from localaws.storage import LakeStorage

_log = logging.getLogger(__name__)

_TICK_S = 0.2
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_FAILED = "processing-failed"
_OCTETS = "application/octet-stream"


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
    streams
        Gives the streams that exist at the moment.
    """

    def __init__(self, context: Context, streams: Callable[[], list[Stream]]) -> None:
        self._context = context
        self._storage = LakeStorage(context.account_id)
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
            waiting = [(spool, stream) for stream in streams for spool in stream.sealed()]
            refused: set[str] = set()
            for spool, stream in sorted(waiting, key=lambda pair: pair[0].order):
                may_try = stream.name not in refused and (at_once or self._may_try(stream))
                if may_try and not self._try(stream, spool):
                    refused.add(stream.name)

    def _may_try(self, stream: Stream) -> bool:
        pause = self._pauses.get(stream.name)
        return pause is None or time.monotonic() >= pause.until

    def _try(self, stream: Stream, spool: Spool) -> bool:
        try:
            self._deliver(stream, spool)
        except AwsError as error:
            last = self._pauses.get(stream.name)
            length_s = _FIRST_PAUSE_S if last is None else min(last.length_s * 2, _LONGEST_PAUSE_S)
            self._pauses[stream.name] = _Pause(length_s, time.monotonic() + length_s)
            _log.warning("stream %s cannot deliver and keeps its records: %s", stream.name, error.message)
            return False
        self._pauses.pop(stream.name, None)
        stream.delivered(spool)
        return True

    def _deliver(self, stream: Stream, spool: Spool) -> None:
        if spool.oldest is None:
            return
        target = stream.destination
        parts: list[bytes] = []
        failures: list[Failure] = []
        for outcome in self._outcomes(stream, spool):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                parts.append(outcome + target.delimiter)
        key = _Key(stream, spool.oldest.astimezone(target.zone), spool.unique)
        if parts:
            body = b"".join(parts)
            headers = {"content-type": _OCTETS}
            if target.gzip:
                body = gzip.compress(body, mtime=int(spool.oldest.timestamp()))
                headers["content-encoding"] = "gzip"
            self._storage.put(target.bucket, key.data(), body, headers)
        if failures and target.processor is not None:
            now, arn = self._context.clock.now(), target.processor.arn
            body = b"".join(failure.as_line(now, arn) for failure in failures)
            self._storage.put(target.bucket, key.failed(), body, {"content-type": _OCTETS})

    def _outcomes(self, stream: Stream, spool: Spool) -> list[bytes | Failure]:
        processor = stream.destination.processor
        if processor is None:
            return [record.data for record in spool.records()]
        transformer = Transformer(processor, stream.state["arn"], self._context.region, invoke_function)
        records: list[Record] = list(spool.records())
        return list(transformer.apply(records))


@dataclass(frozen=True)
class _Key:
    stream: Stream
    oldest: datetime
    unique: str

    def data(self) -> str:
        target = self.stream.destination
        return naming.evaluate(target.prefix, self.oldest, self.unique) + self._suffix() + target.extension

    def failed(self) -> str:
        prefix = self.stream.destination.error_prefix
        return naming.evaluate(prefix, self.oldest, self.unique, _FAILED) + self._suffix()

    def _suffix(self) -> str:
        return naming.suffix(self.stream.name, self.stream.version, self.oldest, self.unique)


def invoke_function(arn: str, event: bytes) -> bytes:
    """Invoke a Lambda function.

    Raises
    ------
    AwsError
        With Firehose's own error code when the function is not there or failed.
    """
    status, headers, answer = base.invoke_lambda(arn, event)
    names = {name.lower(): value for name, value in headers.items()}
    if status == 404:
        raise AwsError("Lambda.ResourceNotFound", f"there is no function {arn}", 404)
    if status >= 300 or "x-amz-function-error" in names:
        raise AwsError("Lambda.FunctionError", f"{arn} answered {status}: {_reason(answer)}", 500)
    return answer


def _reason(answer: bytes) -> str:
    try:
        return str(json.loads(answer).get("errorMessage", answer.decode()))
    except (ValueError, AttributeError):
        return repr(answer[:200])
