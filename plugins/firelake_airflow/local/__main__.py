"""``python -m firelake_airflow.local up | down | demo``: the lake on this machine."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import FrameType

from firelake.errors import FirelakeError

from firelake_airflow.local.processes import Say, StackError
from firelake_airflow.local.settings import USER, Settings
from firelake_airflow.local.stack import Stack

_SIZE_DAYS, _SIZE_RECORDS = 2, 24_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    settings = Settings.from_environment()
    # What this process asks of AWS goes where the stack's processes go.
    environment = settings.environment()
    os.environ.clear()
    os.environ.update(environment)
    # A stop that is asked for is an error like any other: what was started gets stopped.
    # A shell's background job is born deaf to SIGINT, and would leave everything behind.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _interrupt)
    try:
        return int(options.run(Stack(settings, _progress()), options))
    except (StackError, FirelakeError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m firelake_airflow.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("up", help="start Local AWS and Airflow").set_defaults(run=_up)
    commands.add_parser("down", help="stop them, whoever started them").set_defaults(run=_down)
    demo = commands.add_parser("demo", help="show the main job and check it; stop everything at the end")
    demo.add_argument("--days", type=int, default=_SIZE_DAYS, help="days of data (default: %(default)s)")
    demo.add_argument(
        "--records", type=int, default=_SIZE_RECORDS, help="events per source (default: %(default)s)"
    )
    demo.add_argument(
        "--menus", action="store_true", help="show menu clicks and their funnel, too; it takes longer"
    )
    demo.set_defaults(run=_demo)
    return parser


def _up(stack: Stack, _: argparse.Namespace) -> int:
    from firelake.catalog import prepare_lake
    from firelake.layout import Lake
    from firelake.spec import load_datasets
    from firelake.summary import load_summaries

    with stack.ending_on_failure():
        stack.start_aws()
        prepare_lake(Lake.from_environment(), load_datasets(), [each.table for each in load_summaries()])
        stack.start_airflow()
        stack.wait_for_airflow(set())
    settings = stack.settings
    print(f"\nOpen {settings.airflow_url} and sign in as {USER} with {settings.password()}")
    print("End it with: make down")
    return 0


def _down(stack: Stack, _: argparse.Namespace) -> int:
    stack.stop()
    return 0


def _demo(stack: Stack, options: argparse.Namespace) -> int:
    with stack.ending_on_failure(), ThreadPoolExecutor(1) as pool:
        stack.start_aws()
        booting = pool.submit(stack.start_airflow)
        # Reading these libraries takes seconds, in which Airflow comes up.
        from firelake_airflow.local.conclusion import conclude
        from firelake_airflow.local.demo import SHOWN, Demo, Size

        size = Size(options.days, options.records)
        if options.menus:
            size = replace(size, datasets=tuple(SHOWN))
        demo = Demo(stack, size, booting)
        outcome = demo.run()
        stack.stop()
    if not conclude(outcome, demo.folder / "outcome.json"):
        return 1
    print("See it in Airflow: make up")
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _progress() -> Say:
    began = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - began:6.1f} s] {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
