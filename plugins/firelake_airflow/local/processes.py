"""Starting and stopping the stack's processes so that none is ever left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from firelake_airflow.local.settings import HOST, MARKER, Settings

Say = Callable[[str], None]
AIRFLOW = Path(sys.executable).parent / "airflow"

_STOP_SECONDS = 20
_TAIL_LINES = 15


class StackError(Exception):
    """The stack cannot do what was asked; the message says why and what to do."""


@dataclass(frozen=True)
class Started:
    """A process of the stack.

    Parameters
    ----------
    name
        What it is, as in its log's name.
    process
        The leader of a process group of its own.
    log
        Where it writes.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise StackError with the end of its log if the process has ended."""
        code = self.process.poll()
        if code is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
            raise StackError("\n".join([f"{self.name} ended with {code}; {self.log} says:", *lines]))


def start(settings: Settings, name: str, command: list[str]) -> Started:
    """Start a process in a session of its own, so that a Ctrl-C reaches only its starter."""
    log = settings.logs / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the commands are ours
            command,
            env=settings.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
    return Started(name, process, log)


def run_airflow(environment: Mapping[str, str], *arguments: str) -> None:
    """Run an ``airflow`` command to its end.

    Raises
    ------
    StackError
        If it fails, with the end of what it said.
    """
    done = subprocess.run(  # noqa: S603 - the commands are ours
        [str(AIRFLOW), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
        raise StackError(f"airflow {' '.join(arguments)} ended with {done.returncode}:\n{said}")


def running(settings: Settings) -> list[psutil.Process]:
    """Return all processes of a stack, whoever started them."""
    return [process for process in psutil.process_iter() if _belongs(process, settings)]


def stop(settings: Settings) -> int:
    """End all processes of a stack and return how many there were.

    Those that were started first are asked, for they end their workers in order; who does not follow
    is killed.
    """
    processes = running(settings)
    _end([process for process in processes if _leads(process)], signal.SIGTERM)
    while left := running(settings):
        _end(left, signal.SIGKILL)
    return len(processes)


def require_free(port: int, what: str, variable: str) -> None:
    """Raise StackError if a port of the stack is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StackError(
                f"{what} cannot listen on {HOST}:{port} ({error.strerror}). Stop what uses it, or choose "
                f"another port: make up {variable}={port + 1}"
            ) from error


def wait_until(answers: Callable[[], bool], what: str, needed: list[Started], seconds: float) -> None:
    """Wait until ``answers`` is true; raise StackError when time is up or a process it needs ends."""
    deadline = time.monotonic() + seconds
    while not answers():
        for process in needed:
            process.check()
        if time.monotonic() > deadline:
            logs = ", ".join(str(process.log) for process in needed)
            raise StackError(f"{what} was not ready after {seconds:.0f} s; see {logs}")
        time.sleep(0.2)


def _belongs(process: psutil.Process, settings: Settings) -> bool:
    try:
        return (
            process.environ().get(MARKER) == str(settings.folder)
            and process.pid != os.getpid()
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        # It has ended meanwhile, or is another user's.
        return False


def _leads(process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == process.pid
    except ProcessLookupError:
        return False


def _end(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    psutil.wait_procs(processes, timeout=_STOP_SECONDS)
