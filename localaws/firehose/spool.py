"""A buffer of records that lies on disk, so that neither memory nor a crash limits it."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct(">qI")
_OPEN = ".open"
_SEALED = ".sealed"
_NEVER = datetime.max.replace(tzinfo=UTC)


class Record(NamedTuple):
    """One record as it came in."""

    arrived_at: datetime
    data: bytes


class Spool:
    """The records that will become one object, in the order in which they came.

    A record is on disk when :meth:`append` returns. The file's name carries the object's unique part, so
    that a delivery that is tried again after a crash writes the same key.

    Parameters
    ----------
    path
        The file; what it already holds is taken over, less a torn last record.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self.bytes_raw = 0
        self.oldest: datetime | None = None
        if path.exists():
            self._recover()

    @classmethod
    def create(cls, folder: Path, number: int) -> Spool:
        """Begin an empty one; numbers order the spools of a folder."""
        return cls(folder / f"{number:012d}-{uuid.uuid4()}{_OPEN}")

    @classmethod
    def found_in(cls, folder: Path) -> list[Spool]:
        """Take over all spools of a folder, oldest first; every one of them is sealed."""
        spools = [cls(path) for path in sorted(folder.iterdir()) if path.suffix in (_OPEN, _SEALED)]
        for spool in spools:
            spool.seal()
        return spools

    @property
    def unique(self) -> str:
        """Return the unique part of the object's key."""
        return self._path.stem.partition("-")[2]

    @property
    def order(self) -> tuple[datetime, int]:
        """Return what to sort by for delivery: the oldest record first."""
        return self.oldest or _NEVER, self.number

    @property
    def number(self) -> int:
        """Return the place in the order of spools."""
        return int(self._path.stem.partition("-")[0])

    def append(self, arrived_at: datetime, bodies: Sequence[bytes]) -> None:
        """Add records that came at one time, and hand them to the operating system."""
        if self._file is None:
            self._file = self._path.open("ab", buffering=0)
        microseconds = _microseconds(arrived_at)
        lengths = [len(body) for body in bodies]
        heads = [_HEAD.pack(microseconds, length) for length in lengths]
        unwritten = memoryview(b"".join(chain.from_iterable(zip(heads, bodies, strict=True))))
        while unwritten:
            unwritten = unwritten[self._file.write(unwritten) :]
        self._count(arrived_at, sum(lengths))

    def seal(self) -> None:
        """Close it for further records."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._path.suffix == _OPEN:
            self._path = self._path.rename(self._path.with_suffix(_SEALED))

    def records(self) -> Iterator[Record]:
        """Yield the whole records."""
        with self._path.open("rb") as file:
            while len(head := file.read(_HEAD.size)) == _HEAD.size:
                microseconds, length = _HEAD.unpack(head)
                data = file.read(length)
                if len(data) == length:
                    yield Record(datetime.fromtimestamp(microseconds / 1e6, UTC), data)

    def remove(self) -> None:
        """Delete it, once its records are delivered."""
        self._path.unlink()

    def _recover(self) -> None:
        for record in self.records():
            self._count(record.arrived_at, len(record.data))

    def _count(self, arrived_at: datetime, bytes_raw: int) -> None:
        self.bytes_raw += bytes_raw
        self.oldest = arrived_at if self.oldest is None else min(self.oldest, arrived_at)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)
