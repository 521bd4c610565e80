"""Batches within what one PutRecordBatch call takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from firelake.errors import FirelakeError

MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = 1000 * 1024

Item = TypeVar("Item")


class Batcher(Generic[Item]):
    """Collects items, in order, until a call can take no more of them.

    Parameters
    ----------
    size
        Returns how many bytes an item sends: 1 to ``MAX_RECORD_BYTES``.
    """

    def __init__(self, size: Callable[[Item], int]) -> None:
        self._size = size
        self._items: list[Item] = []
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many items wait."""
        return len(self._items)

    def add(self, item: Item) -> list[Item]:
        """Add an item; return the batch that it filled, or that it did not fit into, else nothing."""
        full: list[Item] = []
        if self._bytes + self._size(item) > MAX_BATCH_BYTES:
            full = self.take()
        self._items.append(item)
        self._bytes += self._size(item)
        return full or (self.take() if len(self._items) == MAX_BATCH_RECORDS else [])

    def take(self) -> list[Item]:
        """Return what waits, and begin anew."""
        taken, self._items, self._bytes = self._items, [], 0
        return taken


def batches(payloads: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Group payloads, in order, into batches that one PutRecordBatch call takes.

    Raises
    ------
    FirelakeError
        If a payload is larger than Firehose takes, or empty.
    """
    batcher = Batcher[bytes](len)
    for payload in payloads:
        if not 0 < len(payload) <= MAX_RECORD_BYTES:
            raise FirelakeError(f"a record of {len(payload)} bytes: Firehose takes 1 to {MAX_RECORD_BYTES}")
        if batch := batcher.add(payload):
            yield batch
    if batch := batcher.take():
        yield batch
