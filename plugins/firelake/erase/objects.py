"""Raw objects without some of their records: found, rewritten and checked before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from firelake.compact.intake import Intake
from firelake.compact.scratch import Limits, scratch
from firelake.erase.request import Request
from firelake.errors import FirelakeError
from firelake.raw.codecs import Decoded, decode
from firelake.raw.reading import read_batch
from firelake.raw.records import TOMBSTONE, Batch, RawObject
from firelake.raw.tombstones import NotRewritable, entombed, repacked

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Place = tuple[int, int, bytes]


@dataclass(frozen=True)
class Searched:
    """What was found in one object.

    Parameters
    ----------
    spans
        Offset and length of each record or fragment to be erased.
    records
        Records and fragments of the object, tombstones and those to be erased not counted.
    tombstones
        Offsets of records that were erased before.
    damage
        Why not all of it could be read, if so.
    """

    spans: tuple[tuple[int, int], ...]
    records: int
    tombstones: frozenset[int]
    damage: str | None


class Searcher:
    """Finds the records of a request in objects, as the pipeline would read them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, request: Request, limits: Limits) -> None:
        self._connection = connection
        self._request = request
        self._limits = limits
        self._intake = Intake(connection, request.dataset)

    @classmethod
    @contextmanager
    def of(cls, request: Request) -> Iterator[Searcher]:
        """Give a searcher with a workspace of its own."""
        limits = Limits()
        with scratch(limits) as space:
            yield cls(space.connection, request, limits)

    def search(self, body: bytes) -> Searched:
        """Find what is to be erased from an object's bytes."""
        decoded = decode(body, self._limits.object_bytes)
        batch = self._read(decoded)
        spans = self._spans(batch) if self._request.may_match(decoded.data) else ()
        tombstones = frozenset(start for _, start, raw in _records(batch) if raw == TOMBSTONE)
        return Searched(
            spans=spans,
            records=batch.records_in[0] - len(tombstones) - len(spans),
            tombstones=tombstones,
            damage=decoded.damage,
        )

    def without(self, key: str, body: bytes, searched: Searched) -> bytes:
        """Return an object's bytes without what was found, every other record as it was.

        Raises
        ------
        FirelakeError
            If that is not possible; the message names the object.
        """
        decoded = decode(body, self._limits.object_bytes)
        try:
            data = entombed(decoded.data, searched.spans)
            packed = repacked(body, data, self._limits.object_bytes)
        except NotRewritable as error:
            raise FirelakeError(
                f"{key}: {error}; delete the object, if all of it may go, and erase again"
            ) from error
        gone = {start for start, _ in searched.spans}
        before = {place for place in self._places(decoded) if place[1] not in gone}
        if before != self._places(decode(packed, self._limits.object_bytes)):
            raise FirelakeError(f"{key}: its other records would not read as before; nothing was changed")
        return packed

    def _read(self, decoded: Decoded) -> Batch:
        source = RawObject(0, "", _EPOCH, len(decoded.data))
        return read_batch([(source, decoded)], self._intake.invalid_pieces)

    def _spans(self, batch: Batch) -> tuple[tuple[int, int], ...]:
        for table in ("records", "refused"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 (ours)
        self._intake.add(batch)
        rows = self._connection.execute(
            f"SELECT _position FROM records WHERE {self._request.condition}"  # noqa: S608 (all quoted)
        ).fetchall()
        positions = {int(position) for (position,) in rows}
        found = {(start, len(raw)) for position, start, raw in _records(batch) if position in positions}
        refused = self._connection.execute("SELECT _position FROM refused").fetchall()
        doubtful = {int(position) for (position,) in refused} - positions
        found |= {
            (start, len(raw))
            for position, start, raw in _everything(batch)
            if position in doubtful and self._request.holds_json_text(raw)
        }
        return tuple(sorted(found))

    def _places(self, decoded: Decoded) -> set[Place]:
        return {place for place in _everything(self._read(decoded)) if place[2] != TOMBSTONE}


def _records(batch: Batch) -> Iterator[Place]:
    """Yield position, offset and bytes of each record."""
    for chunk in batch.chunks:
        yield from (place for place in chunk.places())


def _everything(batch: Batch) -> Iterator[Place]:
    """Yield position, offset and bytes of each record and fragment."""
    yield from _records(batch)
    for fragment in batch.fragments:
        yield fragment.position, fragment.byte_offset, fragment.raw
