"""A site: a broker with a fanout exchange and Logstash's queue, a stream, a lake, and forwarders."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
from firelake import aws
from firelake.catalog import prepare_lake
from firelake.layout import Lake, Zone
from firelake.periods import PeriodRange
from firelake.pipeline import Pipeline, Ran
from firelake.spec import Dataset
from firelake.tables import trusted

from tests.fixtures.local_aws import ROOT
from tests.fixtures.rabbitmq import Broker, free_port

WITHIN_S = 240


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    """Wait for a condition, generously."""
    give_up_at = time.monotonic() + WITHIN_S
    while not is_so():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {WITHIN_S} s: {what}")
        time.sleep(0.1)


@dataclass
class ForwarderProcess:
    """A forwarder as it is deployed: a process of its own."""

    process: subprocess.Popen[str]
    pages: str

    def page(self, name: str) -> tuple[int, str]:
        """Return status and text of a page; status 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.pages}/{name}", timeout=10) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def count(self, name: str) -> float:
        """Return a metric, summed over its labels; 0 if it has never been counted."""
        lines = [line for line in self.page("metrics")[1].splitlines() if not line.startswith("#")]
        named = [line for line in lines if line.split("{")[0].split(" ")[0] == f"firelake_forwarder_{name}"]
        return sum(float(line.rpartition(" ")[2]) for line in named)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.communicate(timeout=60)

    def stop(self) -> tuple[int, str]:
        """Ask it to end; return its exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=WITHIN_S)
        return self.process.returncode, said


@dataclass
class Site:
    """One exchange with two queues, one stream, one lake.

    Parameters
    ----------
    name
        What its exchange and queues are called after.
    stream
        The Firehose stream.
    url
        Where forwarders connect, and as whom.
    """

    name: str
    broker: Broker
    lake: Lake
    dataset: Dataset
    stream: str
    url: str
    published: list[bytes] = field(default_factory=list)
    seen: dict[str, Counter[int]] = field(default_factory=dict)
    forwarders: list[ForwarderProcess] = field(default_factory=list)

    @property
    def exchange(self) -> str:
        return f"iot.{self.name}"

    @property
    def queue(self) -> str:
        return f"firelake.{self.name}"

    @property
    def logstash_queue(self) -> str:
        return f"logstash.{self.name}"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "ingest.forwarder", *words]

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
        return {**os.environ, "PYTHONPATH": path, "FIRELAKE_AMQP_URL": self.url}

    def declare(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the forwarder's ``declare``."""
        command = self.command("declare", f"--exchange={self.exchange}", f"--queue={self.queue}", *options)
        return subprocess.run(  # noqa: S603
            command, env=self.environment, cwd=ROOT, text=True, capture_output=True, timeout=WITHIN_S
        )

    def install(self) -> None:
        """Let the platform's owner make the exchange and Logstash's queue, and us our own."""

        async def as_owner(channel: aio_pika.abc.AbstractChannel) -> None:
            exchange = await channel.declare_exchange(
                self.exchange, aio_pika.ExchangeType.FANOUT, durable=True
            )
            queue = await channel.declare_queue(self.logstash_queue, durable=True)
            await queue.bind(exchange)

        self.talk(as_owner)
        assert self.declare().returncode == 0

    def talk(self, work: Callable[[aio_pika.abc.AbstractChannel], Any]) -> Any:
        """Do something with a channel, at once."""

        async def connected() -> Any:
            async with (
                await aio_pika.connect(self.broker.url) as connection,
                await connection.channel() as channel,
            ):
                return await work(channel)

        return asyncio.run(connected())

    def publish(self, bodies: Iterable[bytes], **properties: Any) -> None:
        """Publish, and return when the broker has confirmed every message."""
        messages = list(bodies)

        async def publish(channel: aio_pika.abc.AbstractChannel) -> None:
            exchange = await channel.get_exchange(self.exchange)
            for start in range(0, len(messages), 500):
                await asyncio.gather(
                    *(
                        exchange.publish(
                            aio_pika.Message(body, delivery_mode=2, **properties), routing_key="device.1"
                        )
                        for body in messages[start : start + 500]
                    )
                )

        self.talk(publish)
        self.published += messages

    def readings(self, count: int) -> list[bytes]:
        """Return so many new readings, all different."""
        now = datetime.now(UTC).replace(tzinfo=None).isoformat()
        first = len(self.published)
        return [
            json.dumps({"d": number, "v": 0.5, "t": now, "l": "é"}, ensure_ascii=False).encode()
            for number in range(first, first + count)
        ]

    def start_forwarder(self, *options: str) -> ForwarderProcess:
        """Start a forwarder; it may not be consuming yet."""
        address = f"127.0.0.1:{free_port()}"
        command = self.command(
            "run", f"--queue={self.queue}", f"--stream={self.stream}", f"--listen={address}", *options
        )
        process = subprocess.Popen(  # noqa: S603
            command, env=self.environment, cwd=ROOT, text=True, stderr=subprocess.PIPE
        )
        self.forwarders.append(ForwarderProcess(process, f"http://{address}"))
        return self.forwarders[-1]

    def ready(self, queue: str) -> int:
        """Return how many messages of a queue nobody holds."""

        async def count(channel: aio_pika.abc.AbstractChannel) -> int:
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0

        return int(self.talk(count))

    def take_all(self, queue: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
        """Take all messages out of a queue."""

        async def take(channel: aio_pika.abc.AbstractChannel) -> list[Any]:
            taken = []
            consumed = await channel.get_queue(queue)
            while (message := await consumed.get(no_ack=True, fail=False)) is not None:
                taken.append(message)
            return taken

        messages: list[aio_pika.abc.AbstractIncomingMessage] = self.talk(take)
        return messages

    def raw(self) -> Counter[int]:
        """Return how often each reading lies in raw."""
        s3, bucket = aws.client("s3"), self.lake.bucket(Zone.RAW)
        for item in aws.list_objects(bucket, self.dataset.raw.prefix):
            key = item["Key"]
            if key not in self.seen:
                text = gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
                self.seen[key] = Counter(reading["d"] for reading in _concatenated(text))
        return sum(self.seen.values(), Counter())

    def wait_for_raw(self) -> None:
        """Wait until every published reading lies in raw."""
        wanted = len(self.published)
        wait_until(f"{wanted} different readings in raw", lambda: len(self.raw()) >= wanted)

    def run_pipeline(self) -> Ran:
        """Take everything that arrived yesterday and today to readers."""
        prepare_lake(self.lake, [self.dataset])
        now = datetime.now(UTC)
        arrival = PeriodRange.covering(now - timedelta(days=1), now, self.dataset.raw.arrival_period)
        return Pipeline(self.lake, self.dataset).run(arrival, "test")

    def trusted(self) -> list[int]:
        """Return the devices of the trusted rows, sorted."""
        rows = trusted(self.dataset).load(self.lake).scan(selected_fields=("device",)).to_arrow()
        return sorted(rows.column(0).to_pylist())

    def close(self) -> None:
        """End what still runs."""
        for forwarder in self.forwarders:
            if forwarder.process.poll() is None:
                forwarder.kill()


def _concatenated(text: str) -> Iterable[dict[str, Any]]:
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
