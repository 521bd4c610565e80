"""DuckDB by itself: one query, no limits set."""

from __future__ import annotations

import duckdb

from bench.contenders.objects import folders, pattern

_QUERY = """
COPY (
    SELECT DISTINCT id_device AS device_id, "timestamp" AS measured_at, temperature AS temperature_c,
           cpu AS cpu_load, ram AS ram_load, hd AS disk_load,
           strptime(timestamp_sent, '%Y-%m-%d %H') AS sent_at
    FROM read_json($raw, format = 'unstructured', columns = {
        id_device: 'INTEGER', temperature: 'INTEGER', cpu: 'DOUBLE', ram: 'DOUBLE', hd: 'DOUBLE',
        "timestamp": 'TIMESTAMP', timestamp_sent: 'VARCHAR'})
    ORDER BY device_id, measured_at
) TO $out (FORMAT parquet, COMPRESSION zstd)
"""


def main() -> None:
    """Run the job."""
    raw, out = folders()
    duckdb.execute(_QUERY, {"raw": pattern(raw), "out": str(out / "rows.parquet")})


if __name__ == "__main__":
    main()
