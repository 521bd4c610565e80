"""From the command line to an exit code."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from firelake.cli.answer import BALANCE, FAILED, GATE, INTERRUPTED, USAGE, Answer
from firelake.cli.arguments import build_parser
from firelake.errors import AccountingError, FirelakeError, GateFailed, UsageError, VerificationFailed

_EXIT_CODES: tuple[tuple[type[FirelakeError], int], ...] = (
    (UsageError, USAGE),
    (GateFailed, GATE),
    (AccountingError, BALANCE),
    (VerificationFailed, BALANCE),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; argparse ends the process where usage is wrong."""
    options = build_parser().parse_args(arguments)
    try:
        answer = _command(options.command)(options)
    # What the libraries that read Iceberg's metadata raise when S3 or a disk fails them.
    except (FirelakeError, OSError) as error:
        answer = _failure(error)
    except KeyboardInterrupt:
        answer = Answer({"error": {"type": "Interrupted", "message": ""}}, (), INTERRUPTED)
    if answer.exit_code and "error" in answer.outcome:
        print(f"firelake: {answer.outcome['error']['message'] or 'interrupted'}", file=sys.stderr)
        if not options.json:
            return answer.exit_code
    answer.show(as_json=options.json, out=sys.stdout)
    return answer.exit_code


def _command(name: str) -> Callable[[argparse.Namespace], Answer]:
    """Import a command's function: only what it needs, so that --help is quick."""
    module, _, function = name.partition(":")
    command: Callable[[argparse.Namespace], Answer] = getattr(
        importlib.import_module(f"firelake.cli.{module}"), function
    )
    return command


def _failure(error: Exception) -> Answer:
    exit_code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), FAILED)
    return Answer({"error": {"type": type(error).__name__, "message": str(error)}}, (), exit_code)
