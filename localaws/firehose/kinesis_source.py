"""The source Kinesis: shards are read from where the last checkpoint is."""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from localaws import base
from localaws.clock import Clock
from localaws.firehose.stream import Stream
from localaws.service import AwsError, Payload

_log = logging.getLogger(__name__)

_POLL_S = 0.2
_LONGEST_PAUSE_S = 10.0
_MOST_RECORDS = 1_000


def start_source(configuration: Payload) -> dict[str, Any]:
    """Return the source to keep with a stream: what is put from now on is read.

    Raises
    ------
    AwsError
        ``ResourceNotFoundException`` when there is no such Kinesis stream.
    """
    arn = configuration["KinesisStreamARN"]
    base.call_kinesis("DescribeStreamSummary", {"StreamARN": arn})
    # Kinesis goes by the real time, whatever clock was set; it dates records in milliseconds.
    return {**configuration, "DeliveryStartTimestamp": int(time.time() * 1000) / 1000}


class KinesisReader:
    """Reads the Kinesis streams that are sources, from one thread.

    A checkpoint is noted after its records are buffered, so that after a kill some may be read twice and
    none is lost.

    Parameters
    ----------
    clock
        Everything that was put is read before it is set.
    streams
        Gives the streams that exist at the moment.
    append
        Buffers records of a stream, as arriving now.
    """

    def __init__(
        self,
        clock: Clock,
        streams: Callable[[], list[Stream]],
        append: Callable[[Stream, list[bytes]], None],
    ) -> None:
        self._clock = clock
        self._streams = streams
        self._append = append
        self._reading = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="firehose-kinesis", daemon=True)

    def start(self) -> None:
        """Start reading; before the clock is set, everything that was put is read."""
        self._clock.subscribe_before(self.read)
        self._thread.start()

    def stop(self) -> None:
        """Read once more and stop."""
        self._stopped.set()
        self._thread.join()
        self.read()

    def read(self) -> bool:
        """Read what there is of every source; tell whether all of them could be read."""
        sources = [stream for stream in self._streams() if stream.kinesis_source is not None]
        with self._reading:
            outcomes = [self._try(stream) for stream in sources]
        return all(outcomes)

    def _run(self) -> None:
        pause_s = _POLL_S
        while not self._stopped.wait(pause_s):
            try:
                pause_s = _POLL_S if self.read() else min(pause_s * 2, _LONGEST_PAUSE_S)
            except Exception:
                # The thread must outlive whatever one stream does to it.
                _log.exception("reading Kinesis failed and goes on")

    def _try(self, stream: Stream) -> bool:
        try:
            self._read_stream(stream)
        except AwsError as error:
            _log.warning("stream %s cannot read its source: %s: %s", stream.name, error.code, error.message)
            return False
        return True

    def _read_stream(self, stream: Stream) -> None:
        source = stream.kinesis_source or {}
        checkpoints = stream.checkpoints()
        for shard in _shards(source["KinesisStreamARN"]):
            for batch in _batches(source, shard, checkpoints.get(shard)):
                self._append(stream, [base64.b64decode(each["Data"]) for each in batch])
                checkpoints[shard] = batch[-1]["SequenceNumber"]
                stream.save_checkpoints(checkpoints)


def _shards(arn: str) -> Iterator[str]:
    request: Payload = {"StreamARN": arn}
    while True:
        answer = base.call_kinesis("ListShards", request)
        yield from (shard["ShardId"] for shard in answer["Shards"])
        if not answer.get("NextToken"):
            return
        request = {"NextToken": answer["NextToken"]}


def _batches(source: Payload, shard: str, checkpoint: str | None) -> Iterator[list[dict[str, Any]]]:
    """Yield the records of a shard that come after a checkpoint, or from the start of the delivery on."""
    place = {"StreamARN": source["KinesisStreamARN"], "ShardId": shard}
    if checkpoint is None:
        start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": source["DeliveryStartTimestamp"]}
    else:
        start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": checkpoint}
    iterator = base.call_kinesis("GetShardIterator", {**place, **start})["ShardIterator"]
    while True:
        request = {"ShardIterator": iterator, "Limit": _MOST_RECORDS}
        answer = base.call_kinesis("GetRecords", request)
        if not answer["Records"]:
            return
        yield answer["Records"]
        iterator = answer["NextShardIterator"]
