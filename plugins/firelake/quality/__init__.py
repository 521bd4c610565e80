"""The gate: Great Expectations over staged files, its results, history and reports."""
