"""``errors list``, ``show`` and ``replay``."""

from __future__ import annotations

import argparse
from itertools import islice

from firelake.cli.answer import Answer, progress, table
from firelake.cli.answer import count as counted
from firelake.cli.running import run_all
from firelake.cli.selected import perhaps_periods_of, pipeline_of
from firelake.periods import PeriodRange
from firelake.pipeline import Pipeline
from firelake.undelivered import ErrorPrefix, Undelivered, count_failed


def count(options: argparse.Namespace) -> Answer:
    """Count undelivered records."""
    pipeline = pipeline_of(options)
    found = count_failed(ErrorPrefix(pipeline.lake, pipeline.dataset), _arrival(options, pipeline))
    rows = [
        (one.arrival_period, one.code, f"{one.records:,}", f"{one.replayed:,}", f"{one.objects:,}")
        for one in found
    ]
    outcome = {"dataset": pipeline.dataset.name, "failed": [one.model_dump(mode="json") for one in found]}
    return Answer(outcome, tuple(table(("period", "error", "records", "replayed", "objects"), rows)))


def show(options: argparse.Namespace) -> Answer:
    """Print undelivered records."""
    pipeline = pipeline_of(options)
    prefix = ErrorPrefix(pipeline.lake, pipeline.dataset)
    every = (
        (found.key, record)
        for found in prefix.objects(_arrival(options, pipeline), options.object)
        for record in found.records
    )
    shown = list(islice(every, options.limit))
    records = [_as_json(key, record) for key, record in shown]
    lines = [line for key, record in shown for line in _record_lines(key, record)]
    return Answer({"dataset": pipeline.dataset.name, "records": records}, tuple(lines) or ("none",))


def replay(options: argparse.Namespace) -> Answer:
    """Put undelivered records into raw, and run their periods."""
    pipeline = pipeline_of(options)
    prefix = ErrorPrefix(pipeline.lake, pipeline.dataset)
    found = list(prefix.objects(_arrival(options, pipeline), options.object))
    replayed = [prefix.replay(one) for one in found]
    periods = sorted({one.arrival_period for one in replayed})
    progress(
        f"{pipeline.dataset.name}: {counted(len(found), 'error object')} in raw, "
        f"{sum(one.anew for one in replayed)} of them anew; {counted(len(periods), 'period')} to run"
    )
    grain = pipeline.dataset.raw.arrival_period
    # An earlier replay may have died before its runs: a period that is run again is none the worse for it.
    ran = run_all(pipeline, [PeriodRange.parse(period, grain) for period in periods])
    return Answer({**ran.outcome, "replayed": [one.model_dump(mode="json") for one in replayed]}, ran.lines)


def _arrival(options: argparse.Namespace, pipeline: Pipeline) -> PeriodRange | None:
    return perhaps_periods_of(options, pipeline.dataset.raw.arrival_period)


def _as_json(key: str, record: Undelivered) -> dict[str, object]:
    return {
        "error_object": key,
        "arrived_at": record.arrived_at.isoformat(),
        "code": record.code,
        "message": record.message,
        "raw_text": record.data.decode("utf-8", "backslashreplace"),
    }


def _record_lines(key: str, record: Undelivered) -> list[str]:
    return [
        f"{key} {record.arrived_at:%Y-%m-%d %H:%M:%S}: {record.code} ({record.message})",
        f"  {record.data.decode('utf-8', 'backslashreplace')}",
    ]
