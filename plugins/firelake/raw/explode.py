"""Records that are envelopes: each element of an array in them becomes a record of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firelake.raw.records import Batch, Chunk, Refusal

NOTHING_TO_EXPLODE = "nothing_to_explode"

Elements = Callable[[pa.Table], pa.Table]
Place = tuple[int, int]


def exploded(batch: Batch, elements: Elements) -> Batch:
    """Return the batch with a record for each element of each record's array.

    Positions are counted anew, over elements and fragments. An element keeps the byte range of the
    record that held it. A record whose array is absent, empty or no array counts as one, and is
    refused.

    Parameters
    ----------
    elements
        Returns ``object, position, element, record`` for the elements of a table's records, ordered.
    """
    found = elements(batch.table())
    sources = {place: (chunk, index) for chunk in batch.chunks for index, place in _places(chunk)}
    records = {ordinal: np.ones(total, dtype=np.int64) for ordinal, total in batch.records_in.items()}
    objects, positions = found["object"].to_numpy(), found["position"].to_numpy()
    for ordinal in np.unique(objects):
        places, counts = np.unique(positions[objects == ordinal], return_counts=True)
        records[int(ordinal)][places] = counts
    firsts = {ordinal: np.cumsum(counts) - counts for ordinal, counts in records.items()}
    held = set(zip(objects.tolist(), positions.tolist(), strict=True))
    refused = [
        replace(chunk.refusal(index, NOTHING_TO_EXPLODE, None), position=int(firsts[place[0]][place[1]]))
        for place, (chunk, index) in sources.items()
        if place not in held
    ]
    moved = [replace(one, position=int(firsts[one.ordinal][one.position])) for one in batch.fragments]
    return Batch(
        (_chunk(found, sources, firsts),) if found.num_rows else (),
        tuple(sorted([*moved, *refused], key=_place_of)),
        {ordinal: int(counts.sum()) for ordinal, counts in records.items()},
        batch.bytes_json,
    )


def _places(chunk: Chunk) -> list[tuple[int, Place]]:
    """Return the index of each valid record with its object and position."""
    return [
        (int(index), (int(chunk.ordinals[index]), int(chunk.positions[index])))
        for index in np.flatnonzero(chunk.valid)
    ]


def _chunk(
    found: pa.Table, sources: dict[Place, tuple[Chunk, int]], firsts: dict[int, NDArray[np.int64]]
) -> Chunk:
    texts = [text.encode() for text in found["record"].to_pylist()]
    places = list(zip(found["object"].to_pylist(), found["position"].to_pylist(), strict=True))
    begin = np.array([firsts[ordinal][position] for ordinal, position in places], dtype=np.int64)
    origins = [sources[place] for place in places]
    return Chunk(
        text=b"".join(texts),
        bounds=np.cumsum([0, *map(len, texts)], dtype=np.int64),
        ordinals=found["object"].to_numpy().astype(np.int32),
        positions=begin + found["element"].to_numpy(),
        byte_offsets=np.array([chunk.byte_offsets[index] for chunk, index in origins], dtype=np.int64),
        arrivals=np.array([chunk.arrivals[index] for chunk, index in origins], dtype=np.int64),
        valid=np.ones(len(texts), dtype=bool),
        byte_lengths=np.array([chunk.byte_length(index) for chunk, index in origins], dtype=np.int64),
    )


def _place_of(refusal: Refusal) -> Place:
    return refusal.ordinal, refusal.position
