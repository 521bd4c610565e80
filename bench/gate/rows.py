"""Rows for the gate, as compaction stages them, and the suite of twelve that they are held to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
from firelake.quality.gate import GateSubject
from firelake.quality.suite import load_suite
from firelake.spec import find_dataset
from firelake.spec.load import PROJECT_ROOT

DATASET = "iot_device_telemetry"
EXPECTATIONS = 12
_PARTITION = "2026-11-21"


def ensure_rows(folder: Path, rows: int) -> Path:
    """Return a file of readings that hold to every rule, made if it is not there."""
    file = folder / f"telemetry-{rows}.parquet"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # What an interrupted run leaves has another name.
        unfinished = file.with_suffix(".unfinished")
        _write(unfinished, rows)
        unfinished.rename(file)
    return file


def whole_suite(file: Path) -> GateSubject:
    """Return the rows as the example dataset's partition, with all of its rules."""
    return GateSubject.of_dataset(find_dataset(DATASET), _PARTITION, "bench", (file,))


def suite_of_twelve(file: Path, folder: Path) -> GateSubject:
    """Return the rows with the dataset's first eleven expectations and one about uniqueness.

    Parameters
    ----------
    folder
        Where the suite is written.
    """
    subject = whole_suite(file)
    document = json.loads((PROJECT_ROOT / subject.suite).read_text())
    unique = {
        "type": "expect_compound_columns_to_be_unique",
        "kwargs": {"column_list": ["device_id", "measured_at"], "ignore_row_if": "never"},
        "severity": "critical",
        "description": "A device takes one reading at a time.",
        "meta": {"rule": "reading.unique"},
    }
    document["expectations"] = [*document["expectations"][: EXPECTATIONS - 1], unique]
    path = folder / "twelve.json"
    path.write_text(json.dumps(document))
    if len(load_suite(path, subject.columns).rules) != EXPECTATIONS:
        raise SystemExit(f"the suite of {DATASET} has fewer than {EXPECTATIONS - 1} expectations")
    return replace(subject, suite=path, derived=())


def _write(file: Path, rows: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            """
            COPY (
                SELECT (i % 11)::INTEGER AS device_id,
                       TIMESTAMP '2026-11-21' + to_microseconds(i * 86_400_000_000 // ?) AS measured_at,
                       (random() * 100)::INTEGER AS temperature_c, random() AS cpu_load,
                       random() AS ram_load, random() AS disk_load,
                       date_trunc('hour', measured_at) AS sent_at, NULL::VARCHAR AS _extra,
                       'iot_device_telemetry/2026/11/21/' || (i // 5000) AS _raw_object, i AS _raw_position
                FROM range(?) AS numbers(i)
            ) TO ? (FORMAT parquet, COMPRESSION zstd)
            """,
            [rows, rows, str(file)],
        )
