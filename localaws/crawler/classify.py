"""What one object holds: its format, its compression and its columns."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.crawler.csv_text import read_csv_text
from localaws.crawler.types import HiveType, merge_fields, of_arrow, of_json

_SAMPLE_BYTES = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Content:
    """What a crawler found in one object.

    Parameters
    ----------
    classification
        ``json``, ``parquet`` or ``csv``.
    compression
        ``none`` or ``gzip``.
    columns
        The columns with lower-case names, in order.
    records_seen
        How many records were looked at; all of them in Parquet.
    details
        What Glue says of the format beside that.
    """

    classification: str
    compression: str
    columns: dict[str, HiveType]
    records_seen: int
    details: Mapping[str, str] = field(default_factory=dict)


def classify(path: Path) -> Content | None:
    """Read the start of a file and tell what it is; ``None`` when nobody knows."""
    with path.open("rb") as file:
        start = file.read(_SAMPLE_BYTES)
    if start.startswith(_PARQUET_MAGIC):
        return _parquet(path)
    if start.startswith(_GZIP_MAGIC):
        return _text(_gunzip(start), "gzip", is_whole=path.stat().st_size < _SAMPLE_BYTES)
    return _text(start, "none", is_whole=len(start) < _SAMPLE_BYTES)


def _text(data: bytes, compression: str, *, is_whole: bool) -> Content | None:
    """Tell JSON from CSV; of a sample the last line may be cut off."""
    return _json(data, compression) or _csv(data if is_whole else data[: data.rfind(b"\n") + 1], compression)


def _csv(data: bytes, compression: str) -> Content | None:
    try:
        found = read_csv_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None
    if found is None:
        return None
    return Content("csv", compression, found.columns, found.rows, found.parameters)


def _parquet(path: Path) -> Content | None:
    # Imported here: pyarrow is large, and many lakes hold no Parquet that is crawled.
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            columns = {field.name.lower(): of_arrow(field.type) for field in file.schema_arrow}
            return Content("parquet", "none", columns, file.metadata.num_rows)
    except (ArrowInvalid, ValueError):
        return None


def _json(data: bytes, compression: str) -> Content | None:
    records = list(_records(data.decode("utf-8", errors="ignore")))
    if not records:
        return None
    columns = merge_fields(
        {name.lower(): of_json(value) for name, value in record.items()} for record in records
    )
    return Content("json", compression, columns, len(records))


def _records(text: str) -> Iterator[dict[str, Any]]:
    """Yield objects that stand one after the other or in an array, up to what is no JSON."""
    decoder = json.JSONDecoder()
    position = 0
    while (position := _skip_space(text, position)) < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            return
        if isinstance(value, dict):
            yield value
        elif isinstance(value, list) and all(isinstance(each, dict) for each in value):
            yield from value
        else:
            return


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n\ufeff,":
        position += 1
    return position


def _gunzip(data: bytes) -> bytes:
    """Inflate what can be of gzip members that may be cut off, up to the size of a sample."""
    inflated = b""
    while data.startswith(_GZIP_MAGIC) and len(inflated) < _SAMPLE_BYTES:
        member = zlib.decompressobj(wbits=31)
        try:
            inflated += member.decompress(data, _SAMPLE_BYTES)
        except zlib.error:
            return inflated
        data = member.unused_data
    return inflated
