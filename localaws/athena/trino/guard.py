"""Runs a command for as long as standard input is open, so that it ends with whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

_GRACE_S = 20.0


def main(command: list[str]) -> int:
    """Run the command and return its exit code."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603
    threading.Thread(target=_end_with_input, args=(process,), daemon=True).start()
    return process.wait()


def _end_with_input(process: subprocess.Popen[bytes]) -> None:
    # Not sys.stdin, whose lock would still be held when this process ends.
    while os.read(0, 1024):
        continue
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
