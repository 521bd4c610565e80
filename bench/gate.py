"""The gate on ten million rows of ten columns: twelve expectations, and the example dataset's whole suite.

Run by ``make bench-gate``. Limits: 6 s and 1.5 GB for the twelve.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb
from firelake.quality.gate import GateSubject, evaluate
from firelake.quality.suite import load_suite
from firelake.spec import find_dataset
from firelake.spec.load import PROJECT_ROOT

DATASET = "iot_device_telemetry"
PARTITION = "2026-11-21"
LIMIT_S = 6.0
LIMIT_BYTES = 1_500_000_000
_TWELVE = 12


def main() -> int:
    """Measure each variant in a process of its own; say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where rows are kept from one run to the next")
    parser.add_argument("--variant", choices=("twelve", "suite"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.variant is not None:
        print(json.dumps(_measured(options.variant, options.file)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        file = (options.folder or Path(temporary)) / f"telemetry-{options.rows}.parquet"
        if not file.exists():
            write_rows(file, options.rows)
        found = {variant: _in_own_process(variant, file) for variant in ("twelve", "suite")}
    for variant, one in found.items():
        print(
            f"{variant:8} {one['rules']:3.0f} rules  {one['seconds']:6.2f} s  "
            f"{one['cpu_s']:6.2f} CPU-s  {one['peak_rss_bytes'] / 1e9:5.2f} GB  {options.rows:,} rows"
        )
    twelve = found["twelve"]
    held = twelve["seconds"] <= LIMIT_S and twelve["peak_rss_bytes"] <= LIMIT_BYTES
    print(f"limits: {LIMIT_S:.0f} s, {LIMIT_BYTES / 1e9:.1f} GB: {'held' if held else 'exceeded'}")
    return 0 if held or options.rows != parser.get_default("rows") else 1


def write_rows(file: Path, rows: int) -> None:
    """Write readings that hold to every rule, as compaction stages them."""
    file.parent.mkdir(parents=True, exist_ok=True)
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


def _in_own_process(variant: str, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.gate", "--variant", variant, "--file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (our own)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(variant: str, file: Path) -> dict[str, float]:
    subject = GateSubject.of_dataset(find_dataset(DATASET), PARTITION, "bench", (file,))
    with tempfile.TemporaryDirectory() as folder:
        if variant == "twelve":
            subject = replace(subject, suite=_twelve(Path(folder), subject), derived=())
        # It takes seconds to load; an Airflow worker has done that before it forks.
        importlib.import_module("firelake.quality.evaluator")
        before = time.process_time()
        result = evaluate(subject)
    if not result.passed:
        raise SystemExit(f"the gate blocks rows that should pass: {result.blocking}")
    # Linux counts memory in KiB.
    return {
        "rules": len(result.rules),
        "seconds": result.seconds,
        "cpu_s": time.process_time() - before,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _twelve(folder: Path, subject: GateSubject) -> Path:
    """Return a suite of the dataset's first eleven expectations and one about uniqueness."""
    document = json.loads((PROJECT_ROOT / subject.suite).read_text())
    unique = {
        "type": "expect_compound_columns_to_be_unique",
        "kwargs": {"column_list": ["device_id", "measured_at"], "ignore_row_if": "never"},
        "severity": "critical",
        "description": "A device takes one reading at a time.",
        "meta": {"rule": "reading.unique"},
    }
    document["expectations"] = [*document["expectations"][: _TWELVE - 1], unique]
    path = folder / "twelve.json"
    path.write_text(json.dumps(document))
    if len(load_suite(path, subject.columns).rules) != _TWELVE:
        raise SystemExit("the suite has fewer than twelve expectations")
    return path


if __name__ == "__main__":
    sys.exit(main())
