"""``python -m ingest.forwarder``: forward a RabbitMQ queue to a Firehose stream, or declare the queue."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any

from firelake import aws
from firelake.errors import FirelakeError
from yarl import URL

from ingest.forwarder import broker
from ingest.forwarder.forward import Forwarder, Limits
from ingest.forwarder.metrics import Metrics
from ingest.forwarder.pages import Address, serving
from ingest.forwarder.service import Inlet, Service
from ingest.forwarder.topology import QueueKind, Topology, declare
from ingest.sender import Sender

_URL = "FIRELAKE_AMQP_URL"
_URL_FILE = "FIRELAKE_AMQP_URL_FILE"
_OPTION = "FIRELAKE_FORWARDER_"

_EPILOG = f"""\
environment:
  {_URL}       the broker: amqps://user:password@host:5671/vhost; never an option, which others see
  {_URL_FILE}  a file that holds it instead, such as a mounted secret
  {_OPTION}*   any option, such as {_OPTION}QUEUE for --queue
  AWS_*                   region, credentials and AWS_ENDPOINT_URL, as for every AWS tool
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it did what was asked."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Their tracebacks of a lost connection repeat what the forwarder says in one line.
    for library in ("aio_pika", "aiormq"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        asyncio.run(options.command(options))
    except (FirelakeError, broker.BrokerLostError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingest.forwarder",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="forward until SIGTERM, then drain", epilog=_EPILOG)
    _add_run(run)
    _add_declare(commands.add_parser("declare", help="make the queues and the binding", epilog=_EPILOG))
    for command in commands.choices.values():
        command.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    limits = Limits()
    parser.set_defaults(command=_run)
    _option(parser, "--queue", str, None, "queue to consume")
    _option(parser, "--stream", str, None, "Firehose stream to send to")
    _option(parser, "--prefetch", _positive(int), 1000, "messages held at most; bounds the memory")
    _option(parser, "--concurrency", _positive(int), limits.concurrency, "calls to Firehose at a time")
    _option(parser, "--age-s", _positive(float), limits.age_s, "send a batch at this age")
    _option(parser, "--drain-s", _positive(float), limits.drain_s, "longest time to drain after SIGTERM")
    _option(parser, "--listen", Address.parse, "127.0.0.1:9464", "serve /healthz, /readyz and /metrics here")


def _add_declare(parser: argparse.ArgumentParser) -> None:
    kinds = " or ".join(QueueKind)
    parser.set_defaults(command=_declare)
    _option(parser, "--exchange", str, None, "fanout exchange that devices' messages come to")
    _option(parser, "--queue", str, None, "our queue; its dead letters go to QUEUE.dead")
    _option(parser, "--kind", QueueKind, QueueKind.QUORUM, f"{kinds}: replicated, or on one node")
    parser.add_argument("--create-exchange", action="store_true", help="make the exchange if there is none")


def _option(
    parser: argparse.ArgumentParser, name: str, kind: Callable[[str], Any], usual: object, meaning: str
) -> None:
    """Add an option that the environment can give too; without a usual value it is required."""
    variable = _OPTION + name.removeprefix("--").replace("-", "_").upper()
    default = os.environ.get(variable, None if usual is None else str(usual))
    shown = meaning if usual is None else f"{meaning} (default: {usual})"
    parser.add_argument(name, type=kind, default=default, required=default is None, help=shown)


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text}: write a number above 0")
        return value

    return number


async def _run(options: argparse.Namespace) -> None:
    metrics = Metrics()
    limits = Limits(options.age_s, options.concurrency, options.drain_s)
    sender = Sender(options.stream, aws.client("firehose"), SystemRandom())
    inlet = Inlet(_broker_url(), options.queue, options.prefetch)
    service = Service(inlet, Forwarder(sender, limits, metrics), metrics)
    stop = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    async with serving(options.listen, metrics):
        logging.info(
            "queue %s to stream %s; pages on http://%s", options.queue, options.stream, options.listen
        )
        await service.run(stop)
    logging.info("stopped")


async def _declare(options: argparse.Namespace) -> None:
    topology = Topology(options.exchange, options.queue, options.kind, options.create_exchange)
    async with await broker.connect(_broker_url(), "firelake forwarder declare") as connection:
        await declare(connection, topology)
    logging.info("queue %s is bound to exchange %s", topology.queue, topology.exchange)


def _broker_url() -> URL:
    path = os.environ.get(_URL_FILE)
    try:
        text = os.environ.get(_URL, "") if path is None else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise FirelakeError(f"{_URL_FILE}={path}: {error.strerror}") from error
    try:
        url = URL(text.strip())
    except ValueError as error:
        raise FirelakeError(f"{_URL}: {error}") from error
    if url.scheme not in ("amqp", "amqps") or not url.host:
        raise FirelakeError(f"set {_URL} or {_URL_FILE} to amqps://user:password@host:5671/vhost")
    return url


if __name__ == "__main__":
    sys.exit(main())
