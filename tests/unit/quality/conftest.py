"""Batches of the example dataset, as the gate gets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from firelake.quality.gate import GateSubject
from firelake.spec import find_dataset

PARTITION = "2026-11-21"
SCHEMA = pa.schema(
    [
        ("device_id", pa.int32()),
        ("measured_at", pa.timestamp("us")),
        ("temperature_c", pa.int32()),
        ("cpu_load", pa.float64()),
        ("ram_load", pa.float64()),
        ("disk_load", pa.float64()),
        ("sent_at", pa.timestamp("us")),
        ("_extra", pa.string()),
        ("_raw_object", pa.string()),
        ("_raw_position", pa.int64()),
    ]
)

SubjectOf = Callable[..., GateSubject]


def reading(number: int, **changes: Any) -> dict[str, Any]:
    """One good row, unlike every other of the same day."""
    return {
        "device_id": number % 11,
        "measured_at": datetime(2026, 11, 21) + timedelta(seconds=number),
        "temperature_c": number * 37 % 101,
        "cpu_load": number * 7 % 101 / 100,
        "ram_load": number * 13 % 101 / 100,
        "disk_load": number * 17 % 101 / 100,
        "sent_at": datetime(2026, 11, 21, 1),
        "_extra": None,
        "_raw_object": "iot_device_telemetry/2026/11/21/01/x.gz",
        "_raw_position": number,
    } | changes


def readings(count: int) -> list[dict[str, Any]]:
    return [reading(number) for number in range(count)]


@pytest.fixture
def subject_of(tmp_path: Path) -> SubjectOf:
    """Turn rows into a subject of the gate; keyword arguments replace its fields."""

    def build(rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA, **changes: Any) -> GateSubject:
        path = tmp_path / "staged-00000.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        dataset = find_dataset("iot_device_telemetry")
        return replace(GateSubject.of_dataset(dataset, PARTITION, "run-1", (path,)), **changes)

    return build
