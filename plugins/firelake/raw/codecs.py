"""Decompression by content, never by name, that saves what a damaged object still holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from firelake.raw import compressed, parquet, snappy
from firelake.raw.compressed import Corrupt, TooLarge, Truncated

# CloudWatch Logs through a GZIP stream is compressed twice; a file that holds itself never ends.
_MAX_LAYERS = 4


@dataclass(frozen=True)
class Decoded:
    """The bytes of an object, uncompressed.

    Parameters
    ----------
    data
        What may be read: all of it; of a truncated or too large object the beginning; of a
        corrupt one nothing, because no checksum vouches for any of it.
    damage
        Reason code if not all could be read: ``truncated_gzip``, ``corrupt_zip``, ``too_large`` …
    """

    data: bytes
    damage: str | None = None


@dataclass(frozen=True)
class _Codec:
    """One way in which Firehose, or a producer behind it, packs objects.

    Parameters
    ----------
    matches
        Tells it from an object's first bytes.
    parts
        Yields the content in pieces, of at most about ``max_bytes`` each.
    """

    name: str
    matches: Callable[[bytes], bool]
    parts: Callable[[bytes, int], Iterator[bytes]]


_CODECS = (
    _Codec("gzip", lambda body: body.startswith(b"\x1f\x8b"), compressed.gzip_parts),
    _Codec("zip", lambda body: body.startswith((b"PK\x03\x04", b"PK\x05\x06")), compressed.zip_parts),
    _Codec("zstd", lambda body: body.startswith(b"\x28\xb5\x2f\xfd"), compressed.zstd_parts),
    _Codec("snappy", snappy.is_xerial, snappy.xerial_parts),
    _Codec("hadoop_snappy", snappy.is_hadoop, snappy.hadoop_parts),
    _Codec("parquet", parquet.is_parquet, parquet.json_parts),
)


def decode(body: bytes, max_bytes: int) -> Decoded:
    """Decompress an object, as often as it is compressed, to at most ``max_bytes``.

    Rows of Parquet, which Firehose's format conversion writes, become lines of JSON.
    """
    decoded = Decoded(body)
    for _ in range(_MAX_LAYERS):
        codec = next((codec for codec in _CODECS if codec.matches(decoded.data)), None)
        if codec is None:
            return decoded
        decoded = _unpacked(codec, decoded.data, max_bytes)
        if decoded.damage is not None:
            return decoded
    return Decoded(b"", "nested_too_deep")


def _unpacked(codec: _Codec, body: bytes, max_bytes: int) -> Decoded:
    parts: list[bytes] = []
    size = 0
    try:
        for part in codec.parts(body, max_bytes):
            size += len(part)
            if size > max_bytes:
                raise TooLarge
            parts.append(part)
    except TooLarge:
        return Decoded(b"".join(parts), "too_large")
    except Truncated:
        return Decoded(b"".join(parts), f"truncated_{codec.name}")
    except Corrupt:
        return Decoded(b"", f"corrupt_{codec.name}")
    return Decoded(parts[0] if len(parts) == 1 else b"".join(parts))
