"""Queries on a real Trino, the engine inside Athena, over the same Glue and S3."""
