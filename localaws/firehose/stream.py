"""One delivery stream: its description, its destination and its buffers."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from localaws.firehose import destination
from localaws.firehose.buffer import Buffer
from localaws.firehose.spool import Spool
from localaws.service import AwsError

_STATE_FILE = "stream.json"
_CHECKPOINTS_FILE = "checkpoints.json"
_SPOOLS = "spools"
_BACKUP_SPOOLS = "backup"


class Waiting(NamedTuple):
    """A spool that waits for delivery, and the buffer that it is of."""

    buffer: Buffer
    spool: Spool


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
        self._main = Buffer(folder / _SPOOLS)
        self._backup = Buffer(folder / _BACKUP_SPOOLS, is_backup=True)
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
    def kinesis_source(self) -> dict[str, Any] | None:
        """Return the Kinesis stream that is read, and since when; none for direct puts."""
        source: dict[str, Any] | None = self._state.get("kinesis_source")
        return source

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
        """Take a new destination; what is buffered goes there too.

        Raises
        ------
        AwsError
            ``InvalidArgumentException``, as AWS refuses it; a backup, once enabled, remains, and dynamic
            partitioning is for good what the stream was made with.
        """
        read = destination.read(configuration)
        if bool(self.destination.partition_names) != bool(read.partition_names):
            raise AwsError(
                "InvalidArgumentException", "Dynamic partitioning cannot be changed on an existing stream"
            )
        if self.destination.backup is not None and read.backup is None:
            raise AwsError("InvalidArgumentException", "S3BackupMode cannot be disabled once it is enabled")
        with self._lock:
            self.destination = read
            self._state = {
                **self._state,
                "destination": configuration,
                "version": self._state["version"] + 1,
                "updated_at": now.timestamp(),
            }
            self._save()

    def append(self, arrived_at: datetime, bodies: Sequence[bytes]) -> bool:
        """Buffer records that came at one time, also for a backup; tell whether that filled a buffer."""
        with self._lock:
            if self.is_retired:
                raise AwsError("ResourceNotFoundException", f"Firehose {self.name} is deleted.")
            filled = self._main.append(arrived_at, bodies, self.destination.target.buffer_bytes)
            if self.destination.backup is not None:
                filled |= self._backup.append(arrived_at, bodies, self.destination.backup.buffer_bytes)
            return filled

    def seal_due(self, now: datetime) -> None:
        """Close the open buffers whose oldest record has waited long enough."""
        with self._lock:
            self._main.seal_due(now, self.destination.target.buffer_s)
            if self.destination.backup is not None:
                self._backup.seal_due(now, self.destination.backup.buffer_s)

    def seal(self) -> None:
        """Close the open buffers, due or not."""
        with self._lock:
            self._main.seal()
            self._backup.seal()

    def sealed(self) -> list[Waiting]:
        """Return the spools that wait for delivery, oldest first."""
        with self._lock:
            waiting = [Waiting(each, spool) for each in (self._main, self._backup) for spool in each.sealed]
            return sorted(waiting, key=lambda each: each.spool.order)

    def delivered(self, waiting: Waiting) -> None:
        """Forget a spool whose records are in S3."""
        with self._lock:
            waiting.buffer.forget(waiting.spool)
        waiting.spool.remove()

    def checkpoints(self) -> dict[str, str]:
        """Return, for each shard of the source, the sequence number up to which it was read."""
        path = self._folder / _CHECKPOINTS_FILE
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def save_checkpoints(self, checkpoints: Mapping[str, str]) -> None:
        """Note how far the source was read; the records up to there must be buffered already."""
        with self._lock:
            if not self.is_retired:
                self._write(_CHECKPOINTS_FILE, checkpoints)

    def delete(self) -> None:
        """Delete everything that is kept of the stream."""
        with self._lock:
            shutil.rmtree(self._folder)

    def _save(self) -> None:
        self._write(_STATE_FILE, self._state)

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        path = self._folder / name
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps(document))
        draft.replace(path)
