"""``status`` and ``reconcile``."""

from __future__ import annotations

import argparse

from firelake.alerts.freshness import tell_of_stale
from firelake.cli.answer import BALANCE, OK, Answer, count, table
from firelake.cli.selected import dataset_of, periods_of, pipeline_of
from firelake.layout import Lake
from firelake.reconcile import reconcile as compare
from firelake.spec import load_datasets
from firelake.status import Status
from firelake.status import status as status_of

_MAX_NAMED = 20


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


def reconcile(options: argparse.Namespace) -> Answer:
    """Compare raw, the ledger and the tables."""
    pipeline = pipeline_of(options)
    arrival = periods_of(options, pipeline.dataset.raw.arrival_period)
    found = compare(pipeline.lake, pipeline.dataset, arrival)
    totals = found.totals
    lines = [
        f"{found.dataset} {found.arrival}: {count(found.objects_listed, 'object')} in raw, "
        f"{found.objects_recorded:,} in the ledger",
        f"{totals.records_in:,} records = {totals.trusted:,} trusted + {totals.duplicates:,} duplicates + "
        f"{totals.quarantined:,} quarantined",
        *_named("taken in by no run", found.forgotten),
        *_named("in the ledger but no longer in raw", found.vanished),
        *_named("wrong", found.wrong),
        "complete" if found.complete else "incomplete: run the periods of the objects above again",
    ]
    outcome = {**found.model_dump(mode="json"), "complete": found.complete}
    return Answer(outcome, tuple(lines), OK if found.complete else BALANCE)


def _named(what: str, keys: tuple[str, ...]) -> list[str]:
    more = [f"  … and {len(keys) - _MAX_NAMED:,} more"] if len(keys) > _MAX_NAMED else []
    return [f"{what}: {len(keys):,}", *(f"  {key}" for key in keys[:_MAX_NAMED]), *more] if keys else []


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
