"""Gzip, ZIP and Zstandard, piece by piece."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

import pyarrow as pa
from isal import igzip_lib, isal_zlib

_GZIP_WBITS = 31
_CHUNK_BYTES = 8 << 20
_LENGTH_BYTES = 4
_ENCRYPTED = 0x1


class Truncated(Exception):  # noqa: N818 (says what the object is)
    """The object ends early; what came before is sound."""


class Corrupt(Exception):  # noqa: N818
    """The object is damaged; nothing in it can be trusted."""


class TooLarge(Exception):  # noqa: N818
    """The object unpacks to more than is allowed."""


def gzip_parts(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield the content of each gzip member in turn."""
    piece_bytes = min(_CHUNK_BYTES, max_bytes + 1)
    # The last member ends in its length; with the right room at once, decompressing costs a third less.
    member_bytes = min(int.from_bytes(body[-_LENGTH_BYTES:], "little"), max_bytes) + 1
    rest = body
    try:
        while rest:
            member = isal_zlib.decompressobj(wbits=_GZIP_WBITS)
            yield member.decompress(rest, member_bytes)
            while not member.eof:
                if not member.unconsumed_tail:
                    raise Truncated
                yield member.decompress(member.unconsumed_tail, piece_bytes)
            rest = member.unused_data.lstrip(b"\x00")
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # an exception class; its stub says instance
        raise Corrupt from error


def zip_parts(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield the content of an archive's one file; an archive of several is refused as corrupt."""
    piece_bytes = min(_CHUNK_BYTES, max_bytes + 1)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) != 1 or files[0].flag_bits & _ENCRYPTED:
                raise Corrupt
            with archive.open(files[0]) as file:
                while piece := file.read(piece_bytes):
                    yield piece
    # What zipfile raises for an archive that is damaged, cut short, or packed in a way it does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise Corrupt from error


def zstd_parts(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield the content of each Zstandard frame in turn."""
    piece_bytes = min(_CHUNK_BYTES, max_bytes + 1)
    stream = pa.CompressedInputStream(pa.BufferReader(body), "zstd")
    try:
        while piece := stream.read(piece_bytes):
            yield piece
    except OSError as error:
        raise (Truncated if "Truncated" in str(error) else Corrupt) from error
