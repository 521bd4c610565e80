"""The statements that Athena runs: one module a family."""
