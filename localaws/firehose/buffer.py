"""A stream's records on their way to one target, in spools that are delivered one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from localaws.firehose.spool import Spool


class Buffer:
    """Collects records until there are enough of them, or the oldest is old enough.

    Not safe for several threads; the stream that owns it holds a lock.

    Parameters
    ----------
    folder
        Where its spools lie; those of an earlier process are taken over, sealed.
    is_backup
        Whether its spools go to the backup.
    """

    def __init__(self, folder: Path, *, is_backup: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.is_backup = is_backup
        self._folder = folder
        self._sealed = Spool.found_in(folder)
        self._next_number = max((spool.number for spool in self._sealed), default=0) + 1
        self._open: Spool | None = None

    @property
    def sealed(self) -> list[Spool]:
        """Return the spools that wait for delivery."""
        return list(self._sealed)

    def append(self, arrived_at: datetime, bodies: Sequence[bytes], most_bytes: int) -> bool:
        """Add records; tell whether that filled a spool, which holds so many bytes."""
        filled = False
        for group in self._groups(bodies, most_bytes):
            if self._open is None:
                self._open = Spool.create(self._folder, self._next_number)
                self._next_number += 1
            self._open.append(arrived_at, group)
            if self._open.bytes_raw >= most_bytes:
                self.seal()
                filled = True
        return filled

    def seal_due(self, now: datetime, most_s: int) -> None:
        """Close the open spool when its oldest record has waited so many seconds."""
        oldest = self._open.oldest if self._open is not None else None
        if oldest is not None and now >= oldest + timedelta(seconds=most_s):
            self.seal()

    def seal(self) -> None:
        """Close the open spool, due or not."""
        if self._open is not None:
            self._open.seal()
            self._sealed.append(self._open)
            self._open = None

    def forget(self, spool: Spool) -> None:
        """Drop a spool whose records are delivered."""
        self._sealed.remove(spool)

    def _groups(self, bodies: Sequence[bytes], most_bytes: int) -> list[Sequence[bytes]]:
        """Split records where a spool would outgrow its size, so that no object is larger than asked."""
        room = most_bytes - (self._open.bytes_raw if self._open is not None else 0)
        if sum(map(len, bodies)) < room:
            return [bodies] if bodies else []
        groups: list[list[bytes]] = [[]]
        for body in bodies:
            groups[-1].append(body)
            room -= len(body)
            if room <= 0:
                groups.append([])
                room = most_bytes
        return [group for group in groups if group]
