"""A lake in memory: raw objects in a dictionary, runs through the real engine, rows as Python values."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from firelake.compact import accounting as books
from firelake.compact.intake import Intake
from firelake.compact.merge import Merge
from firelake.compact.scratch import Limits, scratch
from firelake.outcome import Accounting
from firelake.quality.split import quarantine_predicates
from firelake.raw.records import RawObject
from firelake.spec import Dataset
from firelake.sql import literal

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SUITES = Path(__file__).parent
LIMITS = Limits(memory_bytes=256 << 20, threads=1)


def dataset(**changes: Any) -> Dataset:
    """Return a small spec with a column of each kind that casting treats in a way of its own."""
    declared: dict[str, Any] = {
        "name": "readings",
        "owner": "tests",
        "description": "Readings for tests.",
        "raw": {"prefix": "readings/"},
        "columns": {
            "device": {"path": "d", "type": "int", "required": True},
            "value": {"path": "v", "type": "double"},
            "taken_at": {"path": "t", "type": "timestamp"},
            "label": {"path": "l", "type": "string"},
        },
        "event_time": "taken_at",
        "max_lateness": "2d",
        "max_skew": "1h",
        "quality": {"suite": str(SUITES / "readings.json")},
    }
    return Dataset.model_validate({**declared, **changes})


@dataclass
class MemoryBucket:
    """Raw objects by key."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def read(self, key: str) -> bytes:
        return self.objects[key]


def key_of(number: int) -> str:
    """Return the key of the object that arrived ``number`` hours before noon."""
    arrival = NOON - timedelta(hours=number)
    stamp = arrival.strftime("%Y-%m-%d-%H-%M-%S")
    return f"readings/{arrival:%Y/%m/%d/%H}/stream-1-{stamp}-00000000-0000-4000-8000-{number:012d}.gz"


def raw_objects(bucket: MemoryBucket, keys: Iterable[str]) -> list[RawObject]:
    numbers = {key_of(number): NOON - timedelta(hours=number) for number in range(64)}
    return [
        RawObject(ordinal, key, numbers[key], len(bucket.objects[key]))
        for ordinal, key in enumerate(sorted(keys))
    ]


@dataclass
class MemoryLake:
    """What runs have published so far: one Parquet file."""

    spec: Dataset
    directory: Path
    bucket: MemoryBucket
    runs: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def published(self) -> list[Path]:
        return [self.directory / f"{self.runs}.parquet"] if self.runs else []

    def run(self, keys: Iterable[str]) -> Accounting:
        """Process some objects and publish the result, as one run of the pipeline does."""
        objects = raw_objects(self.bucket, keys)
        with scratch(LIMITS) as space:
            intake = Intake(space.connection, self.spec, quarantine_predicates(self.spec))
            intake.take(self.bucket, objects, LIMITS)  # type: ignore[arg-type]
            refused = space.connection.sql("SELECT * FROM refused ORDER BY _object, _position")
            self.refused = refused.to_arrow_table().to_pylist()
            merge = Merge(space.connection, self.spec, objects)
            for path in self.published:
                merge.add_published(f"read_parquet({literal(str(path))})")
            merge.dedupe()
            target = self.directory / f"{self.runs + 1}.parquet"
            space.connection.execute(f"COPY ({merge.survivors()}) TO {literal(str(target))}")
            staged = dict(
                space.connection.execute(
                    f"SELECT _raw_object, count(*) FROM {literal(str(target))} GROUP BY 1"  # noqa: S608
                ).fetchall()
            )
            outcomes = books.object_outcomes(objects, intake, merge, staged)
            displaced = books.displaced(merge, self.spec.raw.layout)
            books.check(outcomes, merge.published(), displaced, staged)
            self.runs += 1
            return books.accounting(outcomes, merge, displaced, intake.fields_dropped)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the trusted rows, sorted."""
        with scratch(LIMITS) as space:
            found = space.connection.execute(
                f"SELECT * FROM read_parquet({literal(str(self.published[0]))})"  # noqa: S608
            ).fetchall()
        return sorted(found, key=repr)


def gzipped(objects: Mapping[str, bytes]) -> dict[str, bytes]:
    return {key: gzip.compress(body, 1) for key, body in objects.items()}
