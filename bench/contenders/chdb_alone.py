"""chDB (ClickHouse in a process): one query, no limits set."""

from __future__ import annotations

import chdb

from bench.contenders.objects import folders

_QUERY = """
INSERT INTO FUNCTION file('{out}/rows.parquet', 'Parquet')
SELECT DISTINCT id_device AS device_id, timestamp AS measured_at, temperature AS temperature_c,
       cpu AS cpu_load, ram AS ram_load, hd AS disk_load,
       parseDateTime(timestamp_sent, '%Y-%m-%d %H', 'UTC') AS sent_at
FROM file('{raw}/iot_device_telemetry/**/*.gz', 'JSONEachRow',
    'id_device Int32, temperature Int32, cpu Float64, ram Float64, hd Float64,
     timestamp DateTime64(6, \\'UTC\\'), timestamp_sent String')
ORDER BY device_id, measured_at
SETTINGS date_time_input_format = 'best_effort', output_format_parquet_compression_method = 'zstd',
         engine_file_truncate_on_insert = 1
"""


def main() -> None:
    """Run the job."""
    raw, out = (str(folder.resolve()).replace("'", "\\'") for folder in folders())
    chdb.query(_QUERY.format(raw=raw, out=out))


if __name__ == "__main__":
    main()
