"""``python -m ingest``: declare a dataset's stream, or simulate what its source sends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import SystemRandom

from firelake import aws
from firelake.durations import parse_duration
from firelake.errors import FirelakeError
from firelake.layout import Lake
from firelake.spec import find_dataset

from ingest.campaign import FAULTS, Campaign, Mix
from ingest.pace import Pace, RealTime, SteppedClock
from ingest.profiles import PROFILES
from ingest.sender import Sender
from ingest.simulate import Progress, simulate
from ingest.stream import Buffering, declare, stream_name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it did what was asked."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except FirelakeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_declare(commands.add_parser("declare", help="create the raw bucket and the stream of a dataset"))
    _add_simulate(
        commands.add_parser(
            "simulate",
            help="send what a dataset's source sends, through Firehose, and say exactly what was sent",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
    )
    return parser


def _add_declare(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_declare)
    parser.add_argument("dataset", help="name of a spec in include/datasets/")
    parser.add_argument("--role-arn", help="role in which Firehose writes; needed on AWS")
    parser.add_argument(
        "--buffer-mb", type=int, default=Buffering.size_mb, help="write an object at this size"
    )
    parser.add_argument("--buffer-s", type=int, default=Buffering.interval_s, help="age of its oldest record")
    parser.add_argument("--transform-arn", help="Lambda function that records go through, if any")


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_simulate)
    parser.add_argument("dataset", choices=sorted(PROFILES), help="whose source")
    parser.add_argument("--stream", help="Firehose stream; by default the one that `declare` makes")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--records", type=int, default=24_000, help="events; duplicates come on top")
    amount.add_argument(
        "--duration", type=parse_duration, help="as many as --rate has in this time, such as 10m"
    )
    parser.add_argument("--seed", type=int, default=1, help="equal seeds and spans send equal bytes")
    parser.add_argument(
        "--faults", choices=sorted(FAULTS), default="some", help="how much is out of the ordinary"
    )
    # These say it one by one, over what --faults says.
    parser.add_argument("--duplicate-share", type=float, help="sent twice")
    parser.add_argument("--late-share", type=float, help="late, or ahead of their time")
    parser.add_argument("--malformed-share", type=float, help="broken in some way")
    parser.add_argument(
        "--late-days", type=float, default=Mix.late_up_to / timedelta(days=1), help="latest accepted event"
    )
    parser.add_argument("--clock-url", help="clock to move through the span, as fast as sending goes")
    parser.add_argument("--start", type=_instant, help="begin of the span, UTC; needs --clock-url")
    parser.add_argument("--end", type=_instant, help="end of the span, UTC; needs --clock-url")
    parser.add_argument("--step-minutes", type=float, default=20, help="how far the clock is moved at a time")
    parser.add_argument("--rate", type=float, default=100, help="events a second")
    parser.add_argument("--out", type=Path, help="also write what was sent to this file")


def _declare(options: argparse.Namespace) -> int:
    dataset = find_dataset(options.dataset)
    buffering = Buffering(options.buffer_mb, options.buffer_s)
    lake = Lake.from_environment()
    print(declare(lake, dataset, options.role_arn, buffering, options.transform_arn))
    return 0


def _simulate(options: argparse.Namespace) -> int:
    campaign, pace = _campaign(options), _pace(options)
    stream = options.stream or stream_name(Lake.from_environment(), campaign.dataset)
    sender = Sender(stream, aws.client("firehose"), SystemRandom())
    sent = simulate(campaign, sender, pace, _progress(campaign))
    if options.out is not None:
        sent.write(options.out)
    print(sent.model_dump_json(indent=2))
    return 0


def _campaign(options: argparse.Namespace) -> Campaign:
    records = _records(options)
    start, end = _span(options, records)
    dataset = find_dataset(options.dataset)
    return Campaign(PROFILES[options.dataset], dataset, start, end, records, options.seed, _mix(options))


def _mix(options: argparse.Namespace) -> Mix:
    shares = {name: getattr(options, f"{name}_share") for name in ("duplicate", "late", "malformed")}
    said = {name: share for name, share in shares.items() if share is not None}
    return replace(FAULTS[options.faults], **said, late_up_to=timedelta(days=options.late_days))


def _records(options: argparse.Namespace) -> int:
    if options.rate <= 0:
        raise FirelakeError(f"--rate {options.rate}: write a number above 0")
    if options.duration is None:
        return int(options.records)
    return int(options.rate * options.duration.total_seconds())


def _span(options: argparse.Namespace, records: int) -> tuple[datetime, datetime]:
    """Return the span: two whole days before today by a clock that is moved, else from now on."""
    if options.clock_url is None:
        if options.start or options.end:
            raise FirelakeError("--start and --end need --clock-url: records arrive when they are sent")
        now = datetime.now(UTC)
        return now, now + timedelta(seconds=records / options.rate)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = options.end or (options.start + timedelta(days=2) if options.start else today)
    return options.start or end - timedelta(days=2), end


def _pace(options: argparse.Namespace) -> Pace:
    if options.clock_url is None:
        return RealTime()
    # Records are stamped with the beginning of their step: a long step would put them in the future.
    if not 0 < options.step_minutes <= 30:
        raise FirelakeError(f"--step-minutes {options.step_minutes}: write a number above 0, at most 30")
    return SteppedClock(options.clock_url, timedelta(minutes=options.step_minutes))


def _progress(campaign: Campaign) -> Progress:
    """Return a progress that says on stderr where sending is, at every tenth of the span."""
    told = 0

    def tell(sent_until: datetime, records: int) -> None:
        nonlocal told
        tenth = int(10 * ((sent_until - campaign.start) / (campaign.end - campaign.start)))
        if tenth > told:
            told = tenth
            print(
                f"{campaign.dataset.name}: sent until {sent_until:%Y-%m-%d %H:%M}, {records} records",
                file=sys.stderr,
                flush=True,
            )

    return tell


if __name__ == "__main__":
    sys.exit(main())
