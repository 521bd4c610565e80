"""Glue crawlers: they read what lies in S3 and write tables and partitions into the catalog."""
