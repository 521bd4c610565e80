"""Athena: Trino's SQL, run by DuckDB over the tables that Glue describes."""
