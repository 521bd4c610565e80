"""Measuring a program with all its descendants: CPU-seconds, wall time, peak memory."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

# From <sys/prctl.h>: orphaned descendants become this process's children, so that it can count them.
_PR_SET_CHILD_SUBREAPER = 36
_SAMPLE_S = 0.02
_SAID_CHARS = 4000


@dataclass(frozen=True)
class Cost:
    """What a program took.

    Parameters
    ----------
    cpu_s
        User and system time of the program and all its descendants.
    peak_rss_bytes
        Most memory that all of them held resident together.
    """

    cpu_s: float
    wall_s: float
    peak_rss_bytes: int


class ProgramFailedError(RuntimeError):
    """A measured program ended with an error."""


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a program, and wait for its last descendant.

    Raises
    ------
    ProgramFailedError
        If it fails; the message carries the end of what it said.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    cpu_before, started = _cpu_of_children(), time.monotonic()
    with tempfile.TemporaryFile() as output:
        program = psutil.Popen(
            list(command), env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        peak = _peak_until_end(program)
        wall_s = time.monotonic() - started
        _wait_for_orphans()
        if program.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")[-_SAID_CHARS:]
            raise ProgramFailedError(f"{' '.join(command)} ended with {program.returncode}:\n{said}")
    return Cost(_cpu_of_children() - cpu_before, wall_s, peak)


def _cpu_of_children() -> float:
    """Return the CPU time of all descendants that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _peak_until_end(program: psutil.Popen) -> int:
    peak = 0
    while program.poll() is None:
        peak = max(peak, _resident(program))
        time.sleep(_SAMPLE_S)
    return peak


def _resident(program: psutil.Popen) -> int:
    total = 0
    try:
        tree = [program, *program.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in tree:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _wait_for_orphans() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
