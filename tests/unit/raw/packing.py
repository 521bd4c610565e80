"""Packing objects in every way in which they may arrive."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pyarrow as pa


def gzipped(data: bytes) -> bytes:
    """Pack without the time of day: the same bytes are packed the same."""
    return gzip.compress(data, mtime=0)


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        # A ZipInfo carries no time of day either.
        archive.writestr(zipfile.ZipInfo("object"), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def xerial(data: bytes, chunk_bytes: int = 512) -> bytes:
    header = b"\x82SNAPPY\x00" + (1).to_bytes(4, "big") * 2
    return header + b"".join(_chunk(data[i : i + chunk_bytes]) for i in range(0, len(data), chunk_bytes))


def hadoop(data: bytes, block_bytes: int = 2048, chunk_bytes: int = 512) -> bytes:
    packed = b""
    for start in range(0, len(data), block_bytes):
        block = data[start : start + block_bytes]
        packed += len(block).to_bytes(4, "big")
        packed += b"".join(_chunk(block[i : i + chunk_bytes]) for i in range(0, len(block), chunk_bytes))
    return packed


def _chunk(data: bytes) -> bytes:
    packed = pa.compress(data, codec="snappy", asbytes=True)
    return len(packed).to_bytes(4, "big") + packed


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "zip": zipped,
    "zstd": zstd,
    "snappy": xerial,
    "hadoop_snappy": hadoop,
}
