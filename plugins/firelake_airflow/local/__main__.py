"""``python -m firelake_airflow.local up | down``."""

from __future__ import annotations

import argparse
import sys

from firelake_airflow.local.processes import StackError
from firelake_airflow.local.settings import USER, Settings
from firelake_airflow.local.stack import Stack


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="firelake_airflow.local", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    options = parser.parse_args(arguments)
    stack = Stack(Settings.from_environment(), lambda line: print(line, flush=True))
    try:
        _COMMANDS[options.command](stack)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _up(stack: Stack) -> None:
    with stack.ending_on_failure():
        stack.start_aws()
        stack.start_airflow()
        stack.wait_for_airflow(set())
    settings = stack.settings
    print(f"\nOpen {settings.airflow_url} and sign in as {USER} with {settings.password()}")
    print("End it with: make down")


_COMMANDS = {"up": _up, "down": Stack.stop}

if __name__ == "__main__":
    sys.exit(main())
