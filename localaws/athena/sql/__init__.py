"""From Athena's SQL to DuckDB's: parsing, typing, name resolution, and the functions it allows."""
