"""Drift: how the records that arrive differ from what a dataset's spec declares."""
