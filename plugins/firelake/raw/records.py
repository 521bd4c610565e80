"""The records of many raw objects, laid out for a columnar engine without copying large objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firelake.raw.codecs import Decoded
from firelake.raw.cut import Cut, cut
from firelake.raw.salvage import Span, salvage

# Small objects are joined to chunks of this size, so that per-chunk costs vanish.
_CHUNK_BYTES = 1 << 20

RECORD_TOO_LARGE = "record_too_large"

InvalidPieces = Callable[[pa.Table], Iterable[tuple[int, int]]]


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
        For each record its object, its place in it and where it begins in the decompressed object.
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

    def record_batch(self) -> pa.RecordBatch:
        """Return ``object, position, arrived_at, record``; the record is null where not valid."""
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

    def table(self) -> pa.Table:
        """Return the valid records as ``object, position, arrived_at, record``."""
        batches = [chunk.record_batch() for chunk in self.chunks]
        table = pa.Table.from_batches(batches, schema=_SCHEMA)
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
        wanted = np.array([_place(*place) for place in reasons], dtype=np.int64)
        found = 0
        for chunk in self.chunks:
            places = _place(chunk.ordinals.astype(np.int64), chunk.positions)
            for index in np.flatnonzero(chunk.valid & np.isin(places, wanted)).tolist():
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
    }
)


def read_batch(objects: Sequence[tuple[RawObject, Decoded]], invalid_pieces: InvalidPieces) -> Batch:
    """Find the records of some decompressed objects.

    Parameters
    ----------
    invalid_pieces
        Tells which ``(object, position)`` of a table of records are null or no valid JSON.
    """
    cuts = {source.ordinal: cut(decoded.data) for source, decoded in objects}
    chunks = [_chunk(group, cuts) for group in _groups(objects)]
    invalid: dict[int, set[int]] = {}
    table = pa.Table.from_batches([chunk.record_batch() for chunk in chunks], schema=_SCHEMA)
    for ordinal, position in invalid_pieces(table):
        invalid.setdefault(ordinal, set()).add(position)
    records_in = {ordinal: pieces.pieces for ordinal, pieces in cuts.items()}
    fragments: list[Refusal] = []
    repaired: list[Chunk] = []
    affected: set[int] = set()
    for source, decoded in objects:
        if source.ordinal not in invalid and decoded.damage is None:
            continue
        spans = _repaired_spans(cuts[source.ordinal], invalid.get(source.ordinal, set()), decoded)
        affected.add(source.ordinal)
        records_in[source.ordinal] = len(spans)
        repaired.append(_chunk_of_spans(source, cuts[source.ordinal].text, spans))
        fragments.extend(_fragments(source, decoded.data, spans))
    if affected:
        chunks = [chunk.without(affected) for chunk in chunks] + repaired
    return Batch(
        tuple(chunks),
        tuple(fragments),
        records_in,
        {source.ordinal: len(decoded.data) for source, decoded in objects},
    )


def _groups(objects: Sequence[tuple[RawObject, Decoded]]) -> Iterator[list[tuple[RawObject, Decoded]]]:
    group: list[tuple[RawObject, Decoded]] = []
    size = 0
    for item in objects:
        group.append(item)
        size += len(item[1].data)
        if size >= _CHUNK_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _chunk(group: Sequence[tuple[RawObject, Decoded]], cuts: dict[int, Cut]) -> Chunk:
    """Lay the pieces of some objects behind each other; a single object's bytes are not copied."""
    own = [cuts[source.ordinal] for source, _ in group]
    counts = [pieces.pieces for pieces in own]
    shifts = np.cumsum([0, *(len(pieces.text) for pieces in own)])
    starts = [pieces.bounds[:-1] + shift for pieces, shift in zip(own, shifts, strict=False)]
    # A piece ends where the next begins, across objects too: what lies between is white space.
    bounds = np.concatenate([*starts, shifts[-1:]]).astype(np.int64, copy=False)
    valid = np.ones(len(bounds) - 1, dtype=bool)
    firsts = np.cumsum([0, *counts])
    for pieces, first in zip(own, firsts, strict=False):
        valid[[first + suspect for suspect in pieces.suspects]] = False
    return Chunk(
        text=b"".join(pieces.text for pieces in own),
        bounds=bounds,
        ordinals=np.repeat(np.array([s.ordinal for s, _ in group], dtype=np.int32), counts),
        positions=np.concatenate([np.arange(count, dtype=np.int64) for count in counts]),
        byte_offsets=np.concatenate([pieces.bounds[:-1] for pieces in own]),
        arrivals=np.repeat(np.array([_micros(s.arrived_at) for s, _ in group], dtype=np.int64), counts),
        valid=valid,
    )


def _micros(instant: datetime) -> int:
    return round(instant.timestamp()) * 1_000_000


def _repaired_spans(pieces: Cut, invalid: set[int], decoded: Decoded) -> list[Span]:
    """Return an object's records and fragments, its invalid stretches salvaged."""
    spans: list[Span] = []
    for bad, run in groupby(_with_neighbours(pieces, invalid), key=lambda item: item[1]):
        numbers = [number for number, _ in run]
        if bad:
            start, end = int(pieces.bounds[numbers[0]]), int(pieces.bounds[numbers[-1] + 1])
            spans += [
                Span(start + span.start, start + span.end, span.reason)
                for span in salvage(pieces.text[start:end])
            ]
        else:
            spans += [Span(int(pieces.bounds[n]), int(pieces.bounds[n + 1])) for n in numbers]
    return spans if decoded.damage is None else _with_damage(spans, decoded)


def _with_neighbours(pieces: Cut, invalid: set[int]) -> list[tuple[int, bool]]:
    """Return each piece's number and whether it is to be salvaged.

    An empty object beside an invalid piece may be part of a text that holds ``}{}{``.
    """
    bad = [number in invalid for number in range(pieces.pieces)]
    for number in range(pieces.pieces):
        beside = (number > 0 and bad[number - 1]) or (number + 1 < pieces.pieces and number + 1 in invalid)
        if not bad[number] and beside:
            content = pieces.text[pieces.bounds[number] : pieces.bounds[number + 1]]
            bad[number] = not content.strip(b"{} \t\r\n")
    return list(enumerate(bad))


def _with_damage(spans: list[Span], decoded: Decoded) -> list[Span]:
    """Give the object's damage as the reason for its unfinished end, or add an empty fragment."""
    end = len(decoded.data)
    if spans and spans[-1].reason is not None and spans[-1].end == end:
        return [*spans[:-1], Span(spans[-1].start, end, decoded.damage)]
    return [*spans, Span(end, end, decoded.damage)]


def _chunk_of_spans(source: RawObject, text: bytes, spans: list[Span]) -> Chunk:
    records = [(position, span) for position, span in enumerate(spans) if span.reason is None]
    lengths = [span.end - span.start for _, span in records]
    return Chunk(
        text=b"".join(text[span.start : span.end] for _, span in records),
        bounds=np.cumsum([0, *lengths], dtype=np.int64),
        ordinals=np.full(len(records), source.ordinal, dtype=np.int32),
        positions=np.array([position for position, _ in records], dtype=np.int64),
        byte_offsets=np.array([span.start for _, span in records], dtype=np.int64),
        arrivals=np.full(len(records), _micros(source.arrived_at), dtype=np.int64),
        valid=np.ones(len(records), dtype=bool),
    )


def _fragments(source: RawObject, data: bytes, spans: list[Span]) -> Iterator[Refusal]:
    for position, span in enumerate(spans):
        if span.reason is not None:
            raw = data[span.start : span.end]
            yield Refusal(source.ordinal, position, span.start, len(raw), span.reason, None, raw)
