"""Compaction: from raw objects to staged Parquet, every record accounted for."""
