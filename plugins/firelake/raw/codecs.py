"""Decompression by content, never by name, that saves what a damaged object still holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isal import igzip_lib, isal_zlib

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = 31
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True)
class Decoded:
    """The bytes of an object, uncompressed.

    Parameters
    ----------
    data
        What may be read: all of it; of a truncated or too large object the beginning; of a
        corrupt one nothing, because no checksum vouches for any of it.
    damage
        Reason code if not all could be read: ``truncated_gzip``, ``corrupt_gzip`` or ``too_large``.
    """

    data: bytes
    damage: str | None = None


def decode(body: bytes, max_bytes: int) -> Decoded:
    """Decompress an object, as often as it is compressed, to at most ``max_bytes``.

    Firehose compresses what is already compressed (CloudWatch Logs through a GZIP stream), so a
    gzip stream inside a gzip stream is opened too.
    """
    decoded = Decoded(body)
    while decoded.data.startswith(_GZIP_MAGIC) and decoded.damage is None:
        decoded = _gunzip(decoded.data, max_bytes)
    return decoded


def _gunzip(body: bytes, max_bytes: int) -> Decoded:
    parts: list[bytes] = []
    size = 0
    damage = None
    try:
        for part in _members(body):
            size += len(part)
            if size > max_bytes:
                return Decoded(b"".join(parts), "too_large")
            parts.append(part)
    except EOFError:
        damage = "truncated_gzip"
    except igzip_lib.IsalError:  # type: ignore[misc]  # an exception class; its stub says instance
        return Decoded(b"", "corrupt_gzip")
    return Decoded(b"".join(parts), damage)


def _members(body: bytes) -> Iterator[bytes]:
    """Yield the content of each gzip member in turn, in bounded pieces.

    Raises
    ------
    EOFError
        If the last member ends early.
    igzip_lib.IsalError
        If a member is damaged, or something other than a member follows one.
    """
    rest = body
    while rest:
        member = isal_zlib.decompressobj(wbits=_GZIP_WBITS)
        yield member.decompress(rest, _CHUNK_BYTES)
        while not member.eof:
            if not member.unconsumed_tail:
                raise EOFError
            yield member.decompress(member.unconsumed_tail, _CHUNK_BYTES)
        rest = member.unused_data.lstrip(b"\x00")
