"""The Glue Data Catalog: databases, tables and their versions, partitions."""
