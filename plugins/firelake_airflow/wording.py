"""Outcomes as lines for a task's log."""

from __future__ import annotations

from collections.abc import Mapping

from firelake.outcome import Accounting


def counts(numbers: Mapping[str, int]) -> str:
    """Return ``a 1, b 2``, or ``none``."""
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items() if number) or "none"


def accounting_line(accounting: Accounting) -> str:
    """Say where a run's records went."""
    line = (
        f"{accounting.raw_objects:,} raw objects, {accounting.bytes_raw:,} bytes: "
        f"{accounting.records_in:,} records in = {accounting.trusted_new:,} trusted "
        f"+ {accounting.duplicates:,} duplicates + {accounting.records_quarantined:,} quarantined"
    )
    if accounting.records_quarantined:
        line += f" ({counts(accounting.quarantined)})"
    if accounting.displaced:
        line += f"; {accounting.displaced:,} rows of earlier runs became duplicates"
    return line
