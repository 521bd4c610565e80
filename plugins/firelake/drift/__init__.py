"""Drift: how the records that arrive differ from what a dataset's spec declares."""

# Named here, where naming it loads nothing else.
TABLE = "drift"
