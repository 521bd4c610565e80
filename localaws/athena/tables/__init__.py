"""Tables: what Glue says of them, which of their files a query needs, and how DuckDB reads those."""
