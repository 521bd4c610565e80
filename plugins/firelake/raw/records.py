"""The records of many raw objects, laid out for a columnar engine without copying large objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firelake.raw.json_keys import most_keys

TOMBSTONE = b'{"":0}'
"""What :mod:`firelake.raw.tombstones` leaves of an erased record: an object that no producer writes."""

RECORD_TOO_LARGE = "record_too_large"


@dataclass(frozen=True)
class RawObject:
    """A raw object of a run.

    Parameters
    ----------
    ordinal
        Its number within the run.
    key
        Its key in the raw bucket.
    arrived_at
        When Firehose received its oldest record, UTC.
    bytes_raw
        Its size as stored.
    """

    ordinal: int
    key: str
    arrived_at: datetime
    bytes_raw: int


@dataclass(frozen=True)
class Refusal:
    """A record or fragment that goes to quarantine.

    Parameters
    ----------
    position
        Its place among the records and fragments of its object.
    byte_offset, byte_length
        Where it, or the record that held it, lies in the decompressed object.
    """

    ordinal: int
    position: int
    byte_offset: int
    byte_length: int
    reason: str
    detail: str | None
    raw: bytes


@dataclass(frozen=True)
class Chunk:
    """Records of one or more objects in one buffer.

    Parameters
    ----------
    text, bounds
        Record ``i`` is ``text[bounds[i]:bounds[i + 1]]``; trailing white space is not its own.
    ordinals, positions, byte_offsets
        For each record its object, its place in it and where it begins in the decompressed object;
        by object and place in ascending order.
    arrivals
        For each record its object's arrival, in microseconds since 1970, UTC.
    valid
        False where the bytes are known not to be one JSON object.
    byte_lengths
        For each record how long it is in the decompressed object, where its text is not as it was there.
    """

    text: bytes
    bounds: NDArray[np.int64]
    ordinals: NDArray[np.int32]
    positions: NDArray[np.int64]
    byte_offsets: NDArray[np.int64]
    arrivals: NDArray[np.int64]
    valid: NDArray[np.bool_]
    byte_lengths: NDArray[np.int64] | None = None

    @cached_property
    def most_keys(self) -> NDArray[np.int32]:
        """For each record what :func:`firelake.raw.json_keys.most_keys` says."""
        return most_keys(self.text, self.bounds)

    def record_batch(self) -> pa.RecordBatch:
        """Return the records as :meth:`Batch.table` does; the record is null where not valid."""
        buffers = (pa.py_buffer(self.bounds), pa.py_buffer(self.text))
        mask = None if self.valid.all() else pa.py_buffer(np.packbits(self.valid, bitorder="little"))
        rows = len(self.ordinals)
        # From buffers, because pyarrow loads pandas when it is handed anything else.
        return pa.RecordBatch.from_arrays(
            [
                pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(self.ordinals)]),
                pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(self.positions)]),
                pa.Array.from_buffers(pa.timestamp("us"), rows, [None, pa.py_buffer(self.arrivals)]),
                pa.LargeStringArray.from_buffers(rows, *buffers, mask),
                pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(self.most_keys)]),
            ],
            schema=_SCHEMA,
        )

    def without(self, ordinals: Iterable[int]) -> Chunk:
        """Return the chunk with the records of some objects marked as not valid."""
        return replace(self, valid=self.valid & ~np.isin(self.ordinals, list(ordinals)))

    def larger(self, max_bytes: int) -> NDArray[np.int64]:
        """Return the records of more than ``max_bytes``."""
        # Most chunks are smaller than any record may be.
        if len(self.text) <= max_bytes:
            return np.empty(0, dtype=np.int64)
        candidates = np.flatnonzero(self.valid & (np.diff(self.bounds) > max_bytes))
        return np.array([i for i in candidates.tolist() if len(self._raw(i)) > max_bytes], dtype=np.int64)

    def indexes(self, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which valid records are at some of the places in ``wanted``, which is sorted."""
        places = _place(self.ordinals.astype(np.int64), self.positions)
        if not places.size:
            return np.empty(0, dtype=np.int64)
        # Many chunks and many places: each chunk looks at its own stretch of them.
        first, last = np.searchsorted(wanted, places[0]), np.searchsorted(wanted, places[-1], side="right")
        own = wanted[first:last]
        found: NDArray[np.int64] = np.searchsorted(places, own)
        here: NDArray[np.bool_] = (places[found] == own) & self.valid[found]
        return found[here]

    def byte_length(self, index: int) -> int:
        """Return how long record ``index`` is in the decompressed object."""
        return len(self._raw(index)) if self.byte_lengths is None else int(self.byte_lengths[index])

    def refusal(self, index: int, reason: str, detail: str | None) -> Refusal:
        """Return record ``index`` as refused."""
        return Refusal(
            int(self.ordinals[index]),
            int(self.positions[index]),
            int(self.byte_offsets[index]),
            self.byte_length(index),
            reason,
            detail,
            self._raw(index),
        )

    def places(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield position, offset and bytes of each valid record, which must all be of one object."""
        for index in np.flatnonzero(self.valid).tolist():
            yield int(self.positions[index]), int(self.byte_offsets[index]), self._raw(index)

    def tombstones(self) -> NDArray[np.int64]:
        """Return the places of records that were erased."""
        candidates = np.flatnonzero(self.valid) if TOMBSTONE in self.text else np.empty(0, dtype=np.int64)
        return np.array([i for i in candidates.tolist() if self._raw(i) == TOMBSTONE], dtype=np.int64)

    def _raw(self, index: int) -> bytes:
        return self.text[self.bounds[index] : self.bounds[index + 1]].rstrip()


@dataclass(frozen=True)
class Batch:
    """The records of some objects, and what of their bytes is none.

    Parameters
    ----------
    records_in
        Records and fragments of each object, by ordinal.
    bytes_json
        Decompressed size of each object, by ordinal.
    """

    chunks: tuple[Chunk, ...]
    fragments: tuple[Refusal, ...]
    records_in: dict[int, int]
    bytes_json: dict[int, int]

    @property
    def sound(self) -> bool:
        """Whether all of it may be valid records, as far as was looked."""
        return not self.fragments and all(chunk.valid.all() for chunk in self.chunks)

    def table(self) -> pa.Table:
        """Return the valid records as ``object, position, arrived_at, record, most_keys``."""
        table = records_table(self.chunks)
        if all(chunk.valid.all() for chunk in self.chunks):
            return table
        return table.filter(pc.is_valid(table["record"]))

    def refusing_larger(self, max_bytes: int) -> Batch:
        """Return the batch with records of more than ``max_bytes`` refused."""
        larger = [chunk.larger(max_bytes) for chunk in self.chunks]
        if not any(found.size for found in larger):
            return self
        chunks: list[Chunk] = []
        refused = list(self.fragments)
        for chunk, found in zip(self.chunks, larger, strict=True):
            refused.extend(chunk.refusal(int(index), RECORD_TOO_LARGE, None) for index in found)
            valid = chunk.valid.copy()
            valid[found] = False
            chunks.append(replace(chunk, valid=valid))
        return replace(self, chunks=tuple(chunks), fragments=tuple(refused))

    def without_tombstones(self) -> Batch:
        """Return the batch without the places of erased records, which count as none."""
        gone = [chunk.tombstones() for chunk in self.chunks]
        if not any(found.size for found in gone):
            return self
        records_in = dict(self.records_in)
        chunks: list[Chunk] = []
        for chunk, found in zip(self.chunks, gone, strict=True):
            valid = chunk.valid.copy()
            valid[found] = False
            chunks.append(replace(chunk, valid=valid))
            for ordinal in chunk.ordinals[found].tolist():
                records_in[ordinal] -= 1
        return replace(self, chunks=tuple(chunks), records_in=records_in)

    def refuse(self, reasons: Mapping[tuple[int, int], tuple[str, str | None]]) -> Iterator[Refusal]:
        """Yield records as refused.

        Parameters
        ----------
        reasons
            Reason and detail by object and position.

        Raises
        ------
        LookupError
            If there is no record at one of the places.
        """
        wanted = np.sort(np.array([_place(*place) for place in reasons], dtype=np.int64))
        found = 0
        for chunk in self.chunks:
            for index in chunk.indexes(wanted).tolist():
                reason, detail = reasons[int(chunk.ordinals[index]), int(chunk.positions[index])]
                yield chunk.refusal(index, reason, detail)
                found += 1
        if found < len(reasons):
            raise LookupError(f"{len(reasons) - found} of {len(reasons)} refused records are in no chunk")


_Number = TypeVar("_Number", int, NDArray[np.int64])


def _place(ordinal: _Number, position: _Number) -> _Number:
    """Return one number for an object and a position; no object has 2**40 records."""
    return (ordinal << 40) | position


_SCHEMA = pa.schema(
    {
        "object": pa.int32(),
        "position": pa.int64(),
        "arrived_at": pa.timestamp("us"),
        "record": pa.large_string(),
        "most_keys": pa.int32(),
    }
)


def records_table(chunks: Iterable[Chunk]) -> pa.Table:
    """Return records as :meth:`Batch.table` does; those that are not valid are null."""
    return pa.Table.from_batches([chunk.record_batch() for chunk in chunks], schema=_SCHEMA)
