"""A run's own workspace: a folder and a DuckDB that spills into it, both gone when the run ends."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from firelake.errors import FirelakeError
from firelake.sql import literal


@dataclass(frozen=True)
class Limits:
    """How much of the machine a run may use.

    Parameters
    ----------
    memory_bytes
        Memory of the engine; what exceeds it spills to disk.
    object_bytes
        Decompressed size above which an object is refused.
    batch_bytes
        Decompressed bytes that are typed at once.
    threads
        Threads of the engine; None for one a core.
    scratch_dir
        Where run folders are made; None for the system's temporary folder.
    """

    memory_bytes: int = 512 << 20
    object_bytes: int = 256 << 20
    batch_bytes: int = 32 << 20
    threads: int | None = None
    scratch_dir: Path | None = None


@dataclass(frozen=True)
class Scratch:
    """A folder and an engine."""

    directory: Path
    connection: duckdb.DuckDBPyConnection


@contextmanager
def scratch(limits: Limits, disk_bytes: int = 0) -> Iterator[Scratch]:
    """Give a workspace with at least ``disk_bytes`` of free disk.

    Raises
    ------
    FirelakeError
        If the disk has less.
    """
    with tempfile.TemporaryDirectory(prefix="firelake-", dir=limits.scratch_dir) as name:
        directory = Path(name)
        free = shutil.disk_usage(directory).free
        if free < disk_bytes:
            raise FirelakeError(
                f"{directory}: {free >> 20} MiB free, but the run may need {disk_bytes >> 20} MiB; "
                "free some, or point TMPDIR at a larger disk"
            )
        connection = connect(limits, directory)
        try:
            yield Scratch(directory, connection)
        finally:
            connection.close()


def connect(limits: Limits, directory: Path) -> duckdb.DuckDBPyConnection:
    """Return an engine that stays within ``limits`` and fetches no extensions."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{limits.memory_bytes >> 20}MiB",
            "temp_directory": str(directory / "spill"),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    if limits.threads is not None:
        connection.execute(f"SET threads = {int(limits.threads)}")
    connection.execute(f"SET TimeZone = {literal('UTC')}")
    return connection
