"""``plan``, ``run`` and ``rebuild``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from firelake.cli.answer import Answer, count, progress, size
from firelake.cli.selected import periods_of, pipeline_of
from firelake.periods import Grain, PeriodRange
from firelake.pipeline import Pipeline, Ran


def plan(options: argparse.Namespace) -> Answer:
    """Say what a run would take in."""
    pipeline = pipeline_of(options)
    dataset = pipeline.dataset
    arrival = periods_of(options, dataset.raw.arrival_period)
    found = pipeline.discovered(arrival)
    swept = [source.key for source in found.objects if source.arrived_at < arrival.start]
    outcome = {
        "dataset": dataset.name,
        "arrival": arrival.key,
        "objects": len(found.objects),
        "bytes_raw": found.bytes_raw,
        "swept": swept,
        "event_partitions_before": sorted(found.event_partitions),
    }
    said = (
        f"{dataset.name} {arrival}: {count(len(found.objects), 'object')}, {size(found.bytes_raw)}, "
        f"of which {len(swept)} came late into earlier periods"
    )
    return Answer(outcome, (said, *(f"  late: {key}" for key in swept)))


def run(options: argparse.Namespace) -> Answer:
    """Run each period, one after the other."""
    pipeline = pipeline_of(options)
    arrival = periods_of(options, pipeline.dataset.raw.arrival_period)
    periods = [PeriodRange(period, period) for period in arrival]
    return _dry_runs(pipeline, periods) if options.dry_run else run_all(pipeline, periods)


def rebuild(options: argparse.Namespace) -> Answer:
    """Take everything that may hold records of the event days in at once."""
    pipeline = pipeline_of(options)
    arrival = pipeline.rebuilding(periods_of(options, Grain.DAY), datetime.now(UTC))
    return _dry_runs(pipeline, [arrival]) if options.dry_run else run_all(pipeline, [arrival])


def run_all(pipeline: Pipeline, periods: Iterable[PeriodRange]) -> Answer:
    """Run periods one after the other; the first that fails ends it."""
    done = [pipeline.run(period, "cli", progress) for period in periods]
    lines = [line for ran in done for line in _ran_lines(ran)]
    outcome = {"dataset": pipeline.dataset.name, "runs": [ran.model_dump(mode="json") for ran in done]}
    return Answer(outcome, tuple(lines) or (f"{pipeline.dataset.name}: nothing to run",))


def _dry_runs(pipeline: Pipeline, periods: Iterable[PeriodRange]) -> Answer:
    runs: list[dict[str, Any]] = []
    lines: list[str] = []
    for period in periods:
        progress(f"{pipeline.dataset.name} {period}: compact")
        staged = pipeline.compact(period, "dry")
        progress(f"{pipeline.dataset.name} {period}: gate")
        pipeline.gate(staged.stage_uri)
        runs.append({"arrival": period.key, **staged.model_dump(mode="json")})
        lines += [
            f"{period}  {staged.accounting}",
            f"  staged, not published: {staged.stage_uri}",
        ]
    return Answer({"dataset": pipeline.dataset.name, "published": False, "runs": runs}, tuple(lines))


def _ran_lines(ran: Ran) -> list[str]:
    rows = ", ".join(f"{partition}: {rows:,}" for partition, rows in sorted(ran.rows.items()))
    return [
        f"{ran.arrival}  {ran.accounting}",
        f"  run {ran.run_id}, snapshot {ran.snapshot_id}; rows by event partition: {rows or 'none'}",
    ]
