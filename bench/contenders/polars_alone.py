"""Polars: objects decompressed and newlines put between records first, as it reads lines only."""

from __future__ import annotations

import polars as pl

from bench.contenders.objects import contents, folders

_SCHEMA = {
    "id_device": pl.Int32,
    "temperature": pl.Int32,
    "cpu": pl.Float64,
    "ram": pl.Float64,
    "hd": pl.Float64,
    "timestamp": pl.String,
    "timestamp_sent": pl.String,
}


def main() -> None:
    """Run the job."""
    raw, out = folders()
    frames = [
        pl.read_ndjson(body.replace(b"}{", b"}\n{"), schema=_SCHEMA).select(
            device_id="id_device",
            # Whole seconds carry no fraction, so two patterns are needed.
            measured_at=pl.coalesce(
                pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", strict=False),
                pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False),
            ),
            temperature_c="temperature",
            cpu_load="cpu",
            ram_load="ram",
            disk_load="hd",
            sent_at=(pl.col("timestamp_sent") + ":00").str.to_datetime("%Y-%m-%d %H:%M"),
        )
        for body in contents(raw)
    ]
    rows = pl.concat(frames).unique().sort("device_id", "measured_at")
    rows.write_parquet(out / "rows.parquet", compression="zstd", compression_level=3)


if __name__ == "__main__":
    main()
