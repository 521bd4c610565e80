"""What is left in a raw object where a record was erased: its place, and nothing of what it said.

A tombstone is as long as the record was, so that every other record keeps its bytes, its position
and its offset, and rows that name them stay right. It counts as a place, not as a record.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterable

import pyarrow as pa

from firelake.raw.codecs import decode
from firelake.raw.records import TOMBSTONE


class NotRewritable(Exception):  # noqa: N818 (says what the object is)
    """The object cannot be written again with the same records around the tombstones."""


def entombed(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """Return decompressed bytes with some stretches replaced by tombstones.

    Parameters
    ----------
    spans
        Offset and length of each.

    Raises
    ------
    NotRewritable
        If a stretch is too short to keep its place.
    """
    changed = bytearray(data)
    for start, length in spans:
        if length < len(TOMBSTONE):
            raise NotRewritable(f"{length} bytes at {start} are too short to be replaced")
        changed[start : start + length] = TOMBSTONE.ljust(length)
    return bytes(changed)


def repacked(body: bytes, data: bytes, max_bytes: int) -> bytes:
    """Return bytes to be stored in the place of an object, compressed as it was.

    Parameters
    ----------
    body
        The object as it is stored.
    data
        What it is to hold, decompressed.

    Raises
    ------
    NotRewritable
        If it is damaged, or packed in a way that cannot be made again.
    """
    if decode(body, max_bytes).damage is not None:
        raise NotRewritable("it is damaged")
    for packed in _packings(body, data):
        again = decode(packed, max_bytes)
        if again.damage is None and again.data == data:
            return packed
    raise NotRewritable("it is packed in a way that Firelake does not write")


def _packings(body: bytes, data: bytes) -> Iterable[bytes]:
    if body.startswith(b"\x1f\x8b"):
        yield gzip.compress(data, mtime=0)
    elif body.startswith(b"PK"):
        target = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(body)) as old,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            new.writestr(old.namelist()[0], data)
        yield target.getvalue()
    elif body.startswith(b"\x28\xb5\x2f\xfd"):
        yield pa.compress(data, codec="zstd", asbytes=True)
    elif decode(body, len(body)).data == body:
        yield data
