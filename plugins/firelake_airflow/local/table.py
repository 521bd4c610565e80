"""The demo's outcome as a table that people understand."""

from __future__ import annotations

from collections.abc import Iterable

from firelake_airflow.local.outcome import DatasetOutcome, DemoOutcome

_WIDTH = 26


def render(outcome: DemoOutcome) -> str:
    """Return the lines of the final table."""
    lines: list[str] = []
    for name, dataset in outcome.datasets.items():
        lines += ["", name, *_rows(_dataset(dataset))]
    for name, summary in outcome.summaries.items():
        lines += ["", name, *_rows([("rows", f"{summary.rows:,}"), ("days", f"{summary.partitions:,}")])]
    counts = outcome.lifecycle["counts"]
    tiers = ", ".join(f"{number} {action}" for action, number in counts.items() if number)
    pictures = [("see", picture) for picture in outcome.pictures]
    return "\n".join(
        [*lines, "", "storage tiers", *_rows([("rules", tiers)]), "", "pictures", *_rows(pictures)]
    )


def _dataset(outcome: DatasetOutcome) -> Iterable[tuple[str, str]]:
    yield "raw objects", f"{outcome.raw_objects:,}"
    yield "records in", f"{outcome.records_in:,}"
    yield "= trusted", f"{outcome.trusted:,}"
    yield "+ duplicates", f"{outcome.duplicates:,}"
    yield "+ quarantined", f"{sum(outcome.quarantined.values()):,}"
    for reason, number in outcome.quarantined.items():
        yield f"    {reason}", f"{number:,}"
    yield "bytes raw", f"{outcome.bytes_raw:,}"
    yield "bytes Parquet", f"{outcome.bytes_parquet:,}"
    gate = outcome.gate
    failed = f"failed: {gate.critical} critical, {gate.warning} warning, {gate.info} info"
    yield "gate", f"{'passed' if gate.passed else 'NOT PASSED'} ({failed})"
    for report in outcome.reports:
        yield "report", report


def _rows(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {label:<{_WIDTH}}{value}" for label, value in pairs]
