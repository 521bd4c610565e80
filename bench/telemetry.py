"""Seeded device telemetry as Firehose delivers it, made fast enough to make gigabytes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
from isal import igzip
from numpy.typing import NDArray

DAY = datetime(2026, 11, 21, tzinfo=UTC)
_LONGEST = (
    b'{"id_device": ##, "temperature": ###, "cpu": 0.################, "ram": 0.################, '
    b'"hd": 0.################, "timestamp": "####-##-##T##:##:##.######", "timestamp_sent": "####-##-## ##"}'
)
_DELAY = timedelta(hours=3)
_DUPLICATE_SHARE = 0.005
_WHOLE_SECOND_SHARE = 0.05
_DEVICES = 11
_LOADS = 3
_LOAD_DIGITS = 16

Bytes2D = NDArray[np.uint8]


@dataclass(frozen=True)
class Size:
    """How much data to make.

    Parameters
    ----------
    records
        Duplicates included.
    objects
        Objects they are spread over.
    """

    records: int
    objects: int

    def scaled(self, share: float) -> Size:
        """Return the size with so much of its objects, each as large as before."""
        objects = max(1, round(self.objects * share))
        return Size(objects * (self.records // self.objects), objects)


@dataclass(frozen=True)
class Corpus:
    """Data on disk: a folder that holds what a bucket would.

    Parameters
    ----------
    distinct
        Records that differ from each other.
    """

    folder: Path
    records: int
    distinct: int
    objects: int
    bytes_json: int
    bytes_raw: int

    @classmethod
    def ensure(cls, parent: Path, size: Size, seed: int = 20261121) -> Corpus:
        """Return the data of some size below ``parent``, made if it is not there."""
        folder = parent / f"{size.records}-records-{size.objects}-objects"
        facts = folder / "corpus.json"
        if not facts.exists():
            made = _make(folder, size, np.random.default_rng(seed))
            facts.write_text(json.dumps({k: v for k, v in asdict(made).items() if k != "folder"}))
        return cls(folder=folder, **json.loads(facts.read_text()))


def _make(folder: Path, size: Size, random: np.random.Generator) -> Corpus:
    # What an interrupted run left behind would be counted by the contenders.
    shutil.rmtree(folder, ignore_errors=True)
    per_object = size.records // size.objects
    earlier: list[bytes] = []
    bytes_json = bytes_raw = copies = 0
    for number in range(size.objects):
        arrived_at = DAY + timedelta(days=1) * number / size.objects
        copied = round(per_object * (number + 1) * _DUPLICATE_SHARE) - round(
            per_object * number * _DUPLICATE_SHARE
        )
        fresh = list(_records(random, per_object - copied, arrived_at))
        again = [*fresh[: (copied + 1) // 2], *earlier]
        repeated = [again[place] for place in random.integers(0, len(again), copied)]
        body = b"".join(fresh + repeated)
        earlier = fresh[-100:]
        path = folder / _key(arrived_at, random)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(igzip.compress(body, compresslevel=1, mtime=0))
        copies += copied
        bytes_json += len(body)
        bytes_raw += path.stat().st_size
    records = per_object * size.objects
    return Corpus(folder, records, records - copies, size.objects, bytes_json, bytes_raw)


def _key(arrived_at: datetime, random: np.random.Generator) -> str:
    name = f"telemetry-1-{arrived_at:%Y-%m-%d-%H-%M-%S}-{UUID(bytes=random.bytes(16))}.gz"
    return f"iot_device_telemetry/{arrived_at:%Y/%m/%d/%H}/{name}"


def _records(random: np.random.Generator, records: int, arrived_at: datetime) -> Iterator[bytes]:
    """Yield distinct records that were sent in the hour of ``arrived_at``."""
    text = np.tile(np.frombuffer(_LONGEST, dtype=np.uint8), (records, 1))
    kept = np.ones(text.shape, dtype=bool)
    blanks = np.frombuffer(_LONGEST, dtype=np.uint8) == ord("#")
    fields = np.split(np.flatnonzero(blanks), np.flatnonzero(np.diff(np.flatnonzero(blanks)) > 1) + 1)
    device, temperature, *rest = fields
    loads, happened, sent = rest[:_LOADS], rest[_LOADS:-4], rest[-4:]

    devices = random.integers(0, _DEVICES, records)
    _fill(text, device, devices)
    kept[:, device[0]] = devices >= 10
    celsius = np.clip(random.normal(10 + 8 * devices, 4), 0, 100).astype(np.int64)
    _fill(text, temperature, celsius)
    kept[:, temperature[0]] = celsius >= 100
    kept[:, temperature[1]] = celsius >= 10
    for load in loads:
        _fill(text, load, random.integers(0, 10**_LOAD_DIGITS, records))
    delays = random.triangular(0, 0, _DELAY / timedelta(microseconds=1), records).astype(np.int64)
    times = np.datetime64(arrived_at.replace(tzinfo=None), "us") - delays
    whole = random.random(records) < _WHOLE_SECOND_SHARE
    times[whole] = times[whole].astype("datetime64[s]")
    _fill_times(text, happened, times)
    kept[np.ix_(whole, np.append(happened[-1][0] - 1, happened[-1]))] = False
    _fill_times(text, sent, np.full(records, np.datetime64(arrived_at.replace(tzinfo=None), "us")))

    flat = text[kept].tobytes()
    ends = np.cumsum(kept.sum(axis=1)).tolist()
    start = 0
    for end in ends:
        yield flat[start:end]
        start = end


def _fill(text: Bytes2D, columns: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
    """Write numbers as decimal digits, with leading zeros."""
    rest = numbers
    for column in columns[::-1]:
        rest, digit = np.divmod(rest, 10)
        text[:, column] = digit + ord("0")


def _fill_times(text: Bytes2D, fields: list[NDArray[np.int64]], times: NDArray[np.datetime64]) -> None:
    """Write the leading parts of times: year, month, day, hour, and as many more as there are fields."""
    months = times.astype("datetime64[M]").astype(np.int64)
    days = times.astype("datetime64[D]")
    micros = (times - days).astype(np.int64)
    parts = [
        months // 12 + 1970,
        months % 12 + 1,
        (days - times.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1,
        micros // 3_600_000_000,
        micros // 60_000_000 % 60,
        micros // 1_000_000 % 60,
        micros % 1_000_000,
    ]
    for field, part in zip(fields, parts, strict=False):
        _fill(text, field, part)
