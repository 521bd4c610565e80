"""PySpark on two threads of this machine: text cut between records, parsed by ``from_json``."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from bench.contenders.objects import folders

_SCHEMA = (
    "id_device INT, temperature INT, cpu DOUBLE, ram DOUBLE, hd DOUBLE, timestamp TIMESTAMP, "
    "timestamp_sent STRING"
)


def main() -> None:
    """Run the job."""
    raw, out = folders()
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .config("spark.sql.session.timeZone", "UTC")
        # Its default of 200 is meant for clusters.
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.local.dir", str(out.resolve() / "scratch"))
        .getOrCreate()
    )
    text = spark.read.option("recursiveFileLookup", True).option("pathGlobFilter", "*.gz")
    lines = text.text(str(raw.resolve() / "iot_device_telemetry"), lineSep="}{")
    record = f.concat(f.lit("{"), f.trim(f.col("value"), f.lit("{}")), f.lit("}"))
    rows = lines.select(f.from_json(record, _SCHEMA).alias("r")).select(
        f.col("r.id_device").alias("device_id"),
        f.col("r.timestamp").alias("measured_at"),
        f.col("r.temperature").alias("temperature_c"),
        f.col("r.cpu").alias("cpu_load"),
        f.col("r.ram").alias("ram_load"),
        f.col("r.hd").alias("disk_load"),
        f.to_timestamp("r.timestamp_sent", "yyyy-MM-dd HH").alias("sent_at"),
    )
    sorted_rows = rows.dropDuplicates().orderBy("device_id", "measured_at")
    sorted_rows.write.mode("overwrite").option("compression", "zstd").parquet(str(out.resolve() / "rows"))
    spark.stop()


if __name__ == "__main__":
    main()
