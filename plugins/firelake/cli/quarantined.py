"""``quarantine list``, ``show`` and ``replay``."""

from __future__ import annotations

import argparse

from firelake.cli.answer import Answer, progress, table
from firelake.cli.running import run_all
from firelake.cli.selected import perhaps_periods_of, pipeline_of
from firelake.pipeline import Pipeline
from firelake.quarantine import Selection, count_refused, refused_periods, refused_records


def count(options: argparse.Namespace) -> Answer:
    """Count refused records."""
    pipeline = pipeline_of(options)
    found = count_refused(pipeline.lake, pipeline.dataset, _selection(options, pipeline))
    rows = [(one.arrival_period, one.reason, f"{one.records:,}", f"{one.objects:,}") for one in found]
    outcome = {"dataset": pipeline.dataset.name, "refused": [one.model_dump(mode="json") for one in found]}
    return Answer(outcome, tuple(table(("period", "reason", "records", "objects"), rows)))


def show(options: argparse.Namespace) -> Answer:
    """Print refused records."""
    pipeline = pipeline_of(options)
    selection = _selection(options, pipeline)
    rows = refused_records(pipeline.lake, pipeline.dataset, selection, options.limit)
    records = [{**row, "arrived_at": row["arrived_at"].isoformat()} for row in rows]
    lines = [line for row in records for line in _record_lines(row)]
    outcome = {"dataset": pipeline.dataset.name, "records": records}
    return Answer(outcome, tuple(lines) or ("none",))


def replay(options: argparse.Namespace) -> Answer:
    """Run every period with refused records again."""
    pipeline = pipeline_of(options)
    periods = refused_periods(pipeline.lake, pipeline.dataset, _selection(options, pipeline))
    progress(f"{pipeline.dataset.name}: {len(periods)} periods to run again")
    return run_all(pipeline, periods)


def _selection(options: argparse.Namespace, pipeline: Pipeline) -> Selection:
    arrival = perhaps_periods_of(options, pipeline.dataset.raw.arrival_period)
    return Selection(arrival, options.reason, getattr(options, "object", None), options.run)


def _record_lines(row: dict[str, object]) -> list[str]:
    detail = f" ({row['detail']})" if row["detail"] else ""
    return [
        f"{row['_raw_object']} bytes {row['byte_offset']}+{row['byte_length']}: {row['reason']}{detail}",
        f"  {row['raw_text']}",
    ]
