"""``status``."""

from __future__ import annotations

import argparse

from firelake.alerts.freshness import tell_of_stale
from firelake.cli.answer import Answer, table
from firelake.cli.selected import dataset_of
from firelake.layout import Lake
from firelake.spec import load_datasets
from firelake.status import Status
from firelake.status import status as status_of


def status(options: argparse.Namespace) -> Answer:
    """Say how one dataset stands, or all."""
    lake = Lake.from_environment()
    everything = options.dataset is None and options.spec is None
    datasets = load_datasets() if everything else [dataset_of(options)]
    found = [status_of(lake, dataset) for dataset in datasets]
    if options.alert:
        tell_of_stale(lake, zip(datasets, found, strict=True))
    header = ("dataset", "newest record", "rows", "records in", "duplicates", "quarantined", "last run")
    outcome = {"lake": lake.name, "datasets": [one.model_dump(mode="json") for one in found]}
    return Answer(outcome, tuple(table(header, [_row(one) for one in found])))


def _row(one: Status) -> tuple[str, ...]:
    newest = "none" if one.newest is None else f"{one.newest:%Y-%m-%d %H:%M}"
    return (
        one.dataset,
        f"{newest} (stale)" if one.stale else newest,
        f"{one.rows:,}",
        f"{one.totals.records_in:,}",
        f"{one.totals.duplicates:,}",
        f"{one.totals.quarantined:,}",
        one.last_run or "none",
    )
