"""Comparing what lies in raw, what the ledger says, and what readers see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyiceberg.table import Table

from firelake.compact.discover import listed
from firelake.layout import Lake, Zone
from firelake.ledger import Ledger
from firelake.outcome import Outcome
from firelake.periods import PeriodRange
from firelake.spec import Dataset
from firelake.spec.dataset import RAW_OBJECT_COLUMN
from firelake.storage import Bucket
from firelake.tables import quarantine, trusted

_COUNTS = ("records_in", "trusted", "duplicates", "quarantined")


class Totals(Outcome):
    """Sums over raw objects as the ledger has them now."""

    records_in: int = 0
    trusted: int = 0
    duplicates: int = 0
    quarantined: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every record that came in went somewhere."""
        return self.records_in == self.trusted + self.duplicates + self.quarantined


class Reconciled(Outcome):
    """What agrees and what does not.

    Parameters
    ----------
    forgotten
        Objects in raw that no run has taken in.
    vanished
        Objects in the ledger that are no longer in raw: expired or deleted.
    wrong
        Objects whose entries do not balance, or of which readers see other rows than the ledger says.
    """

    dataset: str
    arrival: str
    objects_listed: int
    objects_recorded: int
    totals: Totals
    forgotten: tuple[str, ...]
    vanished: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every object is accounted for. What lifecycle rules expired is no fault."""
        return not self.forgotten and not self.wrong


@dataclass(frozen=True)
class _Books:
    """What the ledger says of each object."""

    by_object: dict[str, Totals]

    @classmethod
    def of(cls, entries: Iterable[dict[str, Any]]) -> _Books:
        """Fold entries in the order of their commits.

        A later processing of an object replaces all that was said of it; what it loses to others
        afterwards is taken off.
        """
        counts: dict[str, Counter[str]] = {}
        order = sorted(entries, key=lambda entry: (entry["sequence_number"], entry["entry"] == "displaced"))
        for entry in order:
            if entry["entry"] == "processed":
                counts[entry["raw_object"]] = Counter({name: entry[name] for name in _COUNTS})
            elif entry["entry"] == "displaced" and entry["raw_object"] in counts:
                for name in _COUNTS:
                    counts[entry["raw_object"]][name] += entry[name]
        return cls({key: Totals(**found) for key, found in counts.items()})

    @property
    def totals(self) -> Totals:
        sums: Counter[str] = Counter()
        for found in self.by_object.values():
            sums.update({name: getattr(found, name) for name in _COUNTS})
        return Totals(**sums)


def ledger_totals(lake: Lake, dataset: Dataset) -> Totals:
    """Return the sums over all objects that a dataset ever took in."""
    return _Books.of(Ledger(lake, dataset).all().to_pylist()).totals


def reconcile(lake: Lake, dataset: Dataset, arrival: PeriodRange) -> Reconciled:
    """Compare raw, ledger and tables for the objects that arrived in some periods.

    Raises
    ------
    LakeUnreachable
        If the lake does not answer, or lacks a bucket or table.
    """
    ledger = Ledger(lake, dataset)
    ledger.catch_up()
    entries = ledger.processed(arrival.start, arrival.end).to_pylist()
    entries = [entry for entry in entries if _within(entry["arrived_at"], arrival)]
    books = _Books.of(entries)
    found = dict(listed(Bucket(lake.bucket(Zone.RAW)), dataset, arrival))
    return Reconciled(
        dataset=dataset.name,
        arrival=arrival.key,
        objects_listed=len(found),
        objects_recorded=len(books.by_object),
        totals=books.totals,
        forgotten=tuple(sorted(found.keys() - books.by_object.keys())),
        vanished=tuple(sorted(books.by_object.keys() - found.keys())),
        wrong=tuple(_wrong(books, _rows(trusted(dataset).load(lake)), _rows(quarantine(dataset).load(lake)))),
    )


def _within(arrived_at: datetime, arrival: PeriodRange) -> bool:
    return arrival.start <= arrived_at.replace(tzinfo=UTC) < arrival.end


def _wrong(books: _Books, rows: Counter[str], refused: Counter[str]) -> Iterable[str]:
    for key, said in sorted(books.by_object.items()):
        if not said.balanced:
            yield (
                f"{key}: {said.records_in} records came in, {said.trusted} trusted, "
                f"{said.duplicates} duplicates, {said.quarantined} quarantined"
            )
        if rows[key] != said.trusted:
            yield f"{key}: the ledger says {said.trusted} trusted rows, the table has {rows[key]}"
        if refused[key] != said.quarantined:
            yield f"{key}: the ledger says {said.quarantined} in quarantine, the table has {refused[key]}"


def _rows(table: Table) -> Counter[str]:
    """Count a table's rows by raw object, a batch at a time."""
    rows: Counter[str] = Counter()
    for batch in table.scan(selected_fields=(RAW_OBJECT_COLUMN,)).to_arrow_batch_reader():
        for found in batch.column(0).value_counts().to_pylist():
            rows[found["values"]] += found["counts"]
    return rows
