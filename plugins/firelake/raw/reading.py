"""Finding the records of many raw objects: cut at memory speed, salvaged where that went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firelake.raw.codecs import Decoded
from firelake.raw.cut import Cut, cut
from firelake.raw.records import Batch, Chunk, RawObject, Refusal, records_table
from firelake.raw.salvage import Span, salvage

# Small objects are joined to chunks of this size, so that per-chunk costs vanish.
_CHUNK_BYTES = 1 << 20

DecodedObject = tuple[RawObject, Decoded]
InvalidPieces = Callable[[pa.Table], Iterable[tuple[int, int]]]


def read_batch(objects: Sequence[DecodedObject], invalid_pieces: InvalidPieces) -> Batch:
    """Find the records of some decompressed objects.

    Parameters
    ----------
    invalid_pieces
        Tells which ``(object, position)`` of a table of records are null or no valid JSON.
    """
    batch = read_trusting(objects)
    invalid: dict[int, set[int]] = {}
    for ordinal, position in invalid_pieces(records_table(batch.chunks)):
        invalid.setdefault(ordinal, set()).add(position)
    damaged = [
        (source, decoded, invalid.get(source.ordinal, set()))
        for source, decoded in objects
        if source.ordinal in invalid or decoded.damage is not None
    ]
    return _repaired(batch, damaged) if damaged else batch


def read_trusting(objects: Sequence[DecodedObject]) -> Batch:
    """Cut some decompressed objects into records, and believe that these are valid JSON."""
    groups = [_Group.of(group) for group in _groups(objects)]
    return Batch(
        tuple(group.chunk() for group in groups),
        (),
        {ordinal: records for group in groups for ordinal, records in group.records_in()},
        {source.ordinal: len(decoded.data) for source, decoded in objects},
    )


def _repaired(batch: Batch, damaged: Iterable[tuple[RawObject, Decoded, set[int]]]) -> Batch:
    """Return the batch with the invalid stretches of some objects salvaged."""
    records_in, fragments, repaired = dict(batch.records_in), list[Refusal](), list[Chunk]()
    for source, decoded, invalid in damaged:
        pieces = cut(decoded.data)
        spans = _repaired_spans(pieces, invalid, decoded)
        records_in[source.ordinal] = len(spans)
        repaired.append(_chunk_of_spans(source, pieces.text, spans))
        fragments.extend(_fragments(source, decoded.data, spans))
    whole = [chunk.without(source.ordinal for source, _, _ in damaged) for chunk in batch.chunks]
    return Batch((*whole, *repaired), tuple(fragments), records_in, batch.bytes_json)


def _groups(objects: Sequence[DecodedObject]) -> Iterator[list[DecodedObject]]:
    group: list[DecodedObject] = []
    size = 0
    for item in objects:
        group.append(item)
        size += len(item[1].data)
        if size >= _CHUNK_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


@dataclass(frozen=True)
class _Group:
    """Some objects, laid behind each other and cut; a single object's bytes are not copied.

    Parameters
    ----------
    firsts
        Of each object the number of its first piece; n + 1 of them.
    shifts
        Where each object begins in the text of all; n + 1 of them.
    """

    sources: Sequence[RawObject]
    pieces: Cut
    firsts: NDArray[np.int64]
    shifts: NDArray[np.int64]

    @classmethod
    def of(cls, group: Sequence[DecodedObject]) -> _Group:
        sources = [source for source, _ in group]
        bodies = [decoded.data for _, decoded in group]
        if all(map(_is_plain, bodies)):
            pieces = cut(bodies[0] if len(bodies) == 1 else b"".join(bodies))
            shifts = np.cumsum([0, *map(len, bodies)])
            return cls(sources, pieces, np.searchsorted(pieces.bounds, shifts), shifts)
        return cls(sources, *_joined([cut(body) for body in bodies]))

    def chunk(self) -> Chunk:
        """Return the pieces as records."""
        counts, pieces = np.diff(self.firsts), self.pieces
        ordinals = np.array([source.ordinal for source in self.sources], dtype=np.int32)
        arrivals = np.array([_micros(source.arrived_at) for source in self.sources], dtype=np.int64)
        valid = np.ones(pieces.pieces, dtype=bool)
        valid[list(pieces.suspects)] = False
        return Chunk(
            text=pieces.text,
            bounds=pieces.bounds,
            ordinals=np.repeat(ordinals, counts),
            positions=np.arange(pieces.pieces) - np.repeat(self.firsts[:-1], counts),
            byte_offsets=pieces.bounds[:-1] - np.repeat(self.shifts[:-1], counts),
            arrivals=np.repeat(arrivals, counts),
            valid=valid,
        )

    def records_in(self) -> Iterator[tuple[int, int]]:
        """Yield how many pieces each object has."""
        for source, count in zip(self.sources, np.diff(self.firsts).tolist(), strict=True):
            yield source.ordinal, count


def _is_plain(body: bytes) -> bool:
    """Tell whether cutting finds where an object begins and ends among others, which saves cutting each."""
    return body.startswith(b"{") and body.endswith((b"}", b"}\n"))


def _joined(cuts: Sequence[Cut]) -> tuple[Cut, NDArray[np.int64], NDArray[np.int64]]:
    """Return the pieces of objects that were cut one by one, with firsts and shifts."""
    firsts = np.cumsum([0, *(pieces.pieces for pieces in cuts)])
    shifts = np.cumsum([0, *(len(pieces.text) for pieces in cuts)])
    starts = [pieces.bounds[:-1] + shift for pieces, shift in zip(cuts, shifts, strict=False)]
    # A piece ends where the next begins, across objects too: what lies between is white space.
    bounds = np.concatenate([*starts, shifts[-1:]])
    suspects = frozenset(
        int(first) + suspect
        for pieces, first in zip(cuts, firsts, strict=False)
        for suspect in pieces.suspects
    )
    return Cut(b"".join(pieces.text for pieces in cuts), bounds, suspects), firsts, shifts


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
