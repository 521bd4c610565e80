"""``maintain``."""

from __future__ import annotations

import argparse

from firelake.cli.answer import Answer, count, progress, size
from firelake.cli.selected import dataset_of
from firelake.layout import Lake
from firelake.maintain import Maintained, Maintenance
from firelake.spec import load_datasets
from firelake.summary.spec import load_summaries


def maintain(options: argparse.Namespace) -> Answer:
    """Maintain one dataset's tables, or the whole lake."""
    lake = Lake.from_environment()
    everything = options.dataset is None and options.spec is None
    datasets = load_datasets() if everything else [dataset_of(options)]
    summaries = [one.table for one in load_summaries()] if everything else []
    maintenance = Maintenance(lake, options.grace, apply=options.apply)
    done: list[Maintained] = []
    for found in maintenance.run(datasets, summaries):
        progress(f"{lake.name}: {found.target}")
        done.append(found)
    lines = [_line(found) for found in done if not found.idle] or ["nothing to do"]
    if not options.apply:
        lines.append("nothing was changed; add --apply to do it")
    outcome = {"applied": options.apply, "targets": [found.model_dump(mode="json") for found in done]}
    return Answer(outcome, tuple(lines))


def _line(found: Maintained) -> str:
    return (
        f"{found.target}: {count(found.snapshots_expired, 'snapshot')} expired, "
        f"{count(found.objects_removed, 'object')} removed ({size(found.bytes_removed)}), "
        f"{count(len(found.partitions_joined), 'partition')} joined, "
        f"{count(len(found.partitions_outdated), 'partition')} outdated"
    )
