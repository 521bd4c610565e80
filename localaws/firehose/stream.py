"""One delivery stream: its description, its destination and its buffers."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from localaws.firehose import destination
from localaws.firehose.spool import Record, Spool
from localaws.service import AwsError

_STATE_FILE = "stream.json"
_SPOOLS = "spools"


class Stream:
    """A stream whose state is all on disk.

    Parameters
    ----------
    folder
        Where its description and buffers lie.
    state
        The description, with timestamps as epoch seconds, and the tags.
    """

    def __init__(self, folder: Path, state: dict[str, Any]) -> None:
        self._folder = folder
        self._state = state
        self._lock = threading.Lock()
        self.destination = destination.read(state["destination"])
        (folder / _SPOOLS).mkdir(parents=True, exist_ok=True)
        self._sealed = Spool.found_in(folder / _SPOOLS)
        self._next_number = max((spool.number for spool in self._sealed), default=0) + 1
        self._open: Spool | None = None
        self._save()

    @classmethod
    def found_in(cls, folder: Path) -> Stream:
        """Take over a stream that an earlier process left."""
        return cls(folder, json.loads((folder / _STATE_FILE).read_text()))

    @property
    def name(self) -> str:
        """Return the stream's name."""
        return str(self._state["name"])

    @property
    def version(self) -> str:
        """Return the version, which counts the changes of configuration."""
        return str(self._state["version"])

    @property
    def state(self) -> dict[str, Any]:
        """Return the description as it is kept."""
        return self._state

    @property
    def is_retired(self) -> bool:
        """Tell whether the stream was deleted and only waits for its last delivery."""
        return bool(self._state.get("retired", False))

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags by key."""
        tags: dict[str, str] = self._state["tags"]
        return tags

    def set_tags(self, tags: dict[str, str]) -> None:
        """Replace all tags."""
        with self._lock:
            self._state = {**self._state, "tags": tags}
            self._save()

    def retire(self) -> None:
        """Note that the stream is deleted."""
        with self._lock:
            self._state = {**self._state, "retired": True}
            self._save()

    def reconfigure(self, configuration: dict[str, Any], now: datetime) -> None:
        """Take a new destination; what is buffered goes there too."""
        read = destination.read(configuration)
        with self._lock:
            self.destination = read
            self._state = {
                **self._state,
                "destination": configuration,
                "version": self._state["version"] + 1,
                "updated_at": now.timestamp(),
            }
            self._save()

    def append(self, records: Sequence[Record]) -> bool:
        """Buffer records; tell whether that filled a buffer."""
        with self._lock:
            if self.is_retired:
                raise AwsError("ResourceNotFoundException", f"Firehose {self.name} is deleted.")
            filled = False
            for group in self._groups(records):
                if self._open is None:
                    self._open = Spool.create(self._folder / _SPOOLS, self._next_number)
                    self._next_number += 1
                self._open.append(group)
                if self._open.bytes_raw >= self.destination.buffer_bytes:
                    self._seal()
                    filled = True
            return filled

    def seal_due(self, now: datetime) -> None:
        """Close the open buffer when its oldest record has waited long enough."""
        with self._lock:
            oldest = self._open.oldest if self._open is not None else None
            if oldest is not None and now >= oldest + timedelta(seconds=self.destination.buffer_s):
                self._seal()

    def seal(self) -> None:
        """Close the open buffer, due or not."""
        with self._lock:
            if self._open is not None:
                self._seal()

    def sealed(self) -> list[Spool]:
        """Return the buffers that wait for delivery, oldest first."""
        with self._lock:
            return sorted(self._sealed, key=lambda spool: spool.order)

    def delivered(self, spool: Spool) -> None:
        """Forget a buffer whose records are in S3."""
        with self._lock:
            self._sealed.remove(spool)
        spool.remove()

    def delete(self) -> None:
        """Delete everything that is kept of the stream."""
        with self._lock:
            shutil.rmtree(self._folder)

    def _groups(self, records: Sequence[Record]) -> list[list[Record]]:
        """Split records where a buffer would outgrow its size, so that no object is larger than asked."""
        room = self.destination.buffer_bytes - (self._open.bytes_raw if self._open is not None else 0)
        groups: list[list[Record]] = [[]]
        for record in records:
            groups[-1].append(record)
            room -= len(record.data)
            if room <= 0:
                groups.append([])
                room = self.destination.buffer_bytes
        return [group for group in groups if group]

    def _seal(self) -> None:
        if self._open is not None:
            self._open.seal()
            self._sealed.append(self._open)
            self._open = None

    def _save(self) -> None:
        path = self._folder / _STATE_FILE
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps(self._state))
        draft.replace(path)
