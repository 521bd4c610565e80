"""Snappy in the two framings that Firehose writes: xerial's, and Hadoop's blocks."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from firelake.raw.compressed import Corrupt, TooLarge, Truncated

_XERIAL_MAGIC = b"\x82SNAPPY\x00"
# The magic is followed by two versions of four bytes each.
_XERIAL_HEADER_BYTES = 16
_LENGTH_BYTES = 4
_MAX_BLOCK_BYTES = 1 << 30
_MAX_VARINT_BYTES = 5


def is_xerial(body: bytes) -> bool:
    """Tell whether an object begins as the xerial framing does."""
    return body.startswith(_XERIAL_MAGIC)


def is_hadoop(body: bytes) -> bool:
    """Tell whether an object begins like a Hadoop block; it has no magic, but JSON never begins so."""
    if len(body) < 2 * _LENGTH_BYTES + 1 or body[0] != 0:
        return False
    block_bytes, chunk_bytes = _length(body, 0), _length(body, _LENGTH_BYTES)
    declared = _declared_bytes(body[2 * _LENGTH_BYTES : 2 * _LENGTH_BYTES + _MAX_VARINT_BYTES])
    if declared is None or not 0 < declared <= block_bytes <= _MAX_BLOCK_BYTES:
        return False
    # Snappy makes nothing longer than this.
    return 0 < chunk_bytes <= 32 + declared + declared // 6


def xerial_parts(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield the content of each chunk behind the header; headers may repeat."""
    position = 0
    while position < len(body):
        if body.startswith(_XERIAL_MAGIC, position):
            position += _XERIAL_HEADER_BYTES
            continue
        chunk, position = _chunk(body, position)
        yield _decompressed(chunk, max_bytes)
    if position > len(body):
        raise Truncated


def hadoop_parts(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield the content of each chunk of each block."""
    position = 0
    while position < len(body):
        if position + _LENGTH_BYTES > len(body):
            raise Truncated
        block_bytes = _length(body, position)
        position += _LENGTH_BYTES
        while block_bytes > 0:
            chunk, position = _chunk(body, position)
            piece = _decompressed(chunk, max_bytes)
            if not piece or len(piece) > block_bytes:
                raise Corrupt
            block_bytes -= len(piece)
            yield piece


def _chunk(body: bytes, position: int) -> tuple[bytes, int]:
    """Return the chunk whose length stands at ``position``, and where the next one begins."""
    start = position + _LENGTH_BYTES
    if start > len(body):
        raise Truncated
    end = start + _length(body, position)
    if end > len(body):
        raise Truncated
    return body[start:end], end


def _decompressed(chunk: bytes, max_bytes: int) -> bytes:
    declared = _declared_bytes(chunk[:_MAX_VARINT_BYTES])
    if declared is None:
        raise Corrupt
    if declared > max_bytes:
        raise TooLarge
    try:
        return bytes(pa.decompress(chunk, decompressed_size=declared, codec="snappy", asbytes=True))
    except OSError as error:
        raise Corrupt from error


def _declared_bytes(beginning: bytes) -> int | None:
    """Return the length that a chunk says it unpacks to: seven bits a byte, lowest first."""
    length = 0
    for number, byte in enumerate(beginning):
        length |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            return length
    return None


def _length(body: bytes, position: int) -> int:
    return int.from_bytes(body[position : position + _LENGTH_BYTES], "big")
