"""``suggest-suite`` and ``drift``: what the data says that could be declared."""

from __future__ import annotations

import argparse

from firelake.cli.answer import Answer, count, table
from firelake.cli.selected import perhaps_periods_of, periods_of, pipeline_of
from firelake.drift.detect import detect
from firelake.quality.propose import propose_suite


def suggest_suite(options: argparse.Namespace) -> Answer:
    """Print a proposed suite, derived from published rows."""
    pipeline = pipeline_of(options)
    events = perhaps_periods_of(options, pipeline.dataset.partition_by)
    proposal = propose_suite(pipeline.lake, pipeline.dataset, events)
    return Answer(proposal.model_dump(mode="json"), (proposal.suite.rstrip(),))


def drift(options: argparse.Namespace) -> Answer:
    """Say how what arrived differs from the spec."""
    pipeline = pipeline_of(options)
    found = detect(pipeline.lake, pipeline.dataset, periods_of(options, pipeline.dataset.raw.arrival_period))
    rows = [
        (one.change, one.field, one.column or "", one.declared or "", one.seen or "", f"{one.share:.1%}")
        for one in found.drifts
    ]
    header = ("change", "field", "column", "declared", "seen", "share")
    sampled = f"{count(found.records, 'record')} of {count(found.objects, 'object')} sampled"
    lines = (*table(header, rows), "", found.patch.rstrip()) if rows else ("no drift",)
    return Answer(found.model_dump(mode="json"), (sampled, *lines))
