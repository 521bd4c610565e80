"""``reconcile`` and ``check-catalog``."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from firelake import consistency
from firelake.cli.answer import BALANCE, OK, Answer, count
from firelake.cli.selected import dataset_of, perhaps_periods_of
from firelake.layout import Lake
from firelake.periods import Grain, Period
from firelake.reconcile import Reconciled, reconcile_all
from firelake.reconcile import reconcile as compare
from firelake.spec import Dataset, load_datasets
from firelake.summary.spec import load_summaries
from firelake.tables import summary, trusted

_MAX_NAMED = 20


def reconcile(options: argparse.Namespace) -> Answer:
    """Compare raw, the ledger and the tables, of one dataset or all."""
    lake = Lake.from_environment()
    everything = options.dataset is None and options.spec is None
    datasets = load_datasets() if everything else [dataset_of(options)]
    found = [_reconciled(options, lake, dataset) for dataset in datasets]
    complete = all(one.complete for one in found)
    outcomes = [{**one.model_dump(mode="json"), "complete": one.complete} for one in found]
    outcome = {"datasets": outcomes, "complete": complete} if everything else outcomes[0]
    return Answer(outcome, tuple(line for one in found for line in _lines(one)), OK if complete else BALANCE)


def check_catalog(options: argparse.Namespace) -> Answer:
    """Compare the catalog and the buckets with what is declared, and perhaps Athena's counts."""
    lake, datasets = Lake.from_environment(), load_datasets()
    summaries = [one.table for one in load_summaries()]
    found = consistency.check_catalog(lake, datasets, summaries)
    checked = f"{count(len(found.tables), 'table')} checked, {count(len(found.problems), 'problem')}"
    lines = [*found.problems, checked]
    counted: dict[str, dict[str, int]] = {}
    if options.count_since is not None:
        since = Period.parse(options.count_since, Grain.DAY).start
        for declaration in (*map(trusted, datasets), *map(summary, summaries)):
            counted[declaration.name] = consistency.count_since(lake, declaration, since).rows
            lines.append(f"{declaration.zone}.{declaration.name}: Athena counts the same")
    outcome = {**found.model_dump(mode="json"), "counted": counted}
    return Answer(outcome, tuple(lines), BALANCE if found.problems else OK)


def _reconciled(options: argparse.Namespace, lake: Lake, dataset: Dataset) -> Reconciled:
    arrival = perhaps_periods_of(options, dataset.raw.arrival_period)
    if arrival is None:
        return reconcile_all(lake, dataset, datetime.now(UTC))
    return compare(lake, dataset, arrival)


def _lines(found: Reconciled) -> list[str]:
    totals = found.totals
    return [
        f"{found.dataset} {found.arrival}: {count(found.objects_listed, 'object')} in raw, "
        f"{found.objects_recorded:,} in the ledger",
        f"{totals.records_in:,} records = {totals.trusted:,} trusted + {totals.duplicates:,} duplicates + "
        f"{totals.quarantined:,} quarantined",
        *_named("taken in by no run", found.forgotten),
        *_named("held back by a rollback", found.held),
        *_named("with a key that says no arrival time", found.strays),
        *_named("in the ledger but no longer in raw", found.vanished),
        *_named("wrong", found.wrong),
        "complete" if found.complete else "incomplete: run the periods of the objects above again",
    ]


def _named(what: str, keys: tuple[str, ...]) -> list[str]:
    more = [f"  … and {len(keys) - _MAX_NAMED:,} more"] if len(keys) > _MAX_NAMED else []
    return [f"{what}: {len(keys):,}", *(f"  {key}" for key in keys[:_MAX_NAMED]), *more] if keys else []
