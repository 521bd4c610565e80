"""Comparing what lies in raw, what the ledger says, and what readers see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pyiceberg.table import Table

from firelake.books import Books, Totals
from firelake.compact.discover import DELIVERY_RETRY, arrivals, listed
from firelake.errors import VerificationFailed
from firelake.layout import Lake, Zone
from firelake.ledger import Ledger
from firelake.maintain.retention import refused_since
from firelake.outcome import Outcome
from firelake.periods import Period, PeriodRange
from firelake.spec import Dataset, find_dataset
from firelake.spec.dataset import RAW_OBJECT_COLUMN
from firelake.storage import Bucket
from firelake.tables import quarantine, trusted

# The run of a period follows it soon; it sweeps what was delivered late into the day before.
_SETTLING = DELIVERY_RETRY + timedelta(hours=4)
_MAX_NAMED = 5


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
    held
        Objects whose records a rollback took back; their periods are to be run again.
    strays
        Objects below the dataset's prefix whose keys say no arrival time, so that no run finds them.
    """

    dataset: str
    arrival: str
    objects_listed: int
    objects_recorded: int
    totals: Totals
    forgotten: tuple[str, ...]
    vanished: tuple[str, ...]
    wrong: tuple[str, ...]
    held: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every object is accounted for. What lifecycle rules expired is no fault."""
        return not (self.forgotten or self.wrong or self.held or self.strays)

    def __str__(self) -> str:
        """Return what does not agree, in one line."""
        found = {
            "in raw but taken in by no run": self.forgotten,
            "wrong": self.wrong,
            "held back by a rollback": self.held,
            "with a key that says no arrival time": self.strays,
        }
        said = [
            f"{len(keys)} {what}: {', '.join(keys[:_MAX_NAMED])}{' …' if len(keys) > _MAX_NAMED else ''}"
            for what, keys in found.items()
            if keys
        ]
        return f"{self.dataset} {self.arrival}: {'; '.join(said) or 'complete'}"


def ledger_totals(lake: Lake, dataset: Dataset) -> Totals:
    """Return the sums over all objects that a dataset ever took in."""
    return Books.of(Ledger(lake, dataset).all().to_pylist()).totals


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
    found = dict(listed(Bucket(lake.bucket(Zone.RAW)), dataset, arrival))
    return _compared(lake, dataset, arrival, entries, set(found))


def reconcile_all(lake: Lake, dataset: Dataset, now: datetime) -> Reconciled:
    """Compare raw, ledger and tables for everything that ever arrived and should be taken in by now.

    What arrived in the last day is left out: the runs that take in late deliveries are still to come.

    Raises
    ------
    LakeUnreachable
        If the lake does not answer, or lacks a bucket or table.
    """
    ledger = Ledger(lake, dataset)
    ledger.catch_up()
    entries = ledger.all().to_pylist()
    dated, strays = arrivals(Bucket(lake.bucket(Zone.RAW)), dataset)
    until = Period.containing(now - _SETTLING - dataset.raw.arrival_period.length, dataset.raw.arrival_period)
    times = [*dated.values(), *(entry["arrived_at"].replace(tzinfo=UTC) for entry in entries)]
    first = min((Period.containing(time, until.grain) for time in times), default=until)
    arrival = PeriodRange(min(first, until), until)
    found = {key for key, arrived_at in dated.items() if arrival.start <= arrived_at < arrival.end}
    return _compared(lake, dataset, arrival, entries, found).model_copy(update={"strays": strays})


def reconcile_by_name(dataset: str, arrival: str | None, now: datetime | None = None) -> Reconciled:
    """Reconcile the dataset called so, in the lake that the environment names.

    Parameters
    ----------
    arrival
        An arrival period's key, or two with a slash between; None for all that ever arrived.

    Raises
    ------
    VerificationFailed
        If an object is not accounted for; the message names it and says what is wrong.
    """
    lake, found = Lake.from_environment(), find_dataset(dataset)
    if arrival is None:
        reconciled = reconcile_all(lake, found, now or datetime.now(UTC))
    else:
        reconciled = reconcile(lake, found, PeriodRange.parse(arrival, found.raw.arrival_period))
    if not reconciled.complete:
        raise VerificationFailed(f"{reconciled}; run the arrival periods of these objects again")
    return reconciled


def _compared(
    lake: Lake, dataset: Dataset, arrival: PeriodRange, entries: list[dict[str, Any]], found: set[str]
) -> Reconciled:
    books = Books.of(entry for entry in entries if _within(entry["arrived_at"], arrival))
    held = set(books.held)
    return Reconciled(
        dataset=dataset.name,
        arrival=arrival.key,
        objects_listed=len(found),
        objects_recorded=len(books.by_object),
        totals=books.totals,
        forgotten=tuple(sorted(found - books.by_object.keys())),
        vanished=tuple(sorted(books.by_object.keys() - found)),
        wrong=tuple(_wrong(books, _rows(trusted(dataset).load(lake)), _refused(lake, dataset, entries))),
        held=tuple(sorted(held & found)),
    )


def _within(arrived_at: datetime, arrival: PeriodRange) -> bool:
    return arrival.start <= arrived_at.replace(tzinfo=UTC) < arrival.end


def _refused(lake: Lake, dataset: Dataset, entries: list[dict[str, Any]]) -> dict[str, int | None]:
    """Count refused records by object; None where they are kept no longer, so that there may be none."""
    since = refused_since(dataset, datetime.now(UTC))
    counted = _rows(quarantine(dataset).load(lake))
    return {
        entry["raw_object"]: None
        if since is not None and entry["arrived_at"].replace(tzinfo=UTC) < since
        else counted[entry["raw_object"]]
        for entry in entries
    }


def _wrong(books: Books, rows: Counter[str], refused: dict[str, int | None]) -> Iterable[str]:
    for key, book in sorted(books.by_object.items()):
        said = book.totals
        if not said.balanced:
            yield (
                f"{key}: {said.records_in} records came in, {said.trusted} trusted, "
                f"{said.duplicates} duplicates, {said.quarantined} quarantined"
            )
        if rows[key] != said.trusted:
            yield f"{key}: the ledger says {said.trusted} trusted rows, the table has {rows[key]}"
        if refused[key] not in (None, said.quarantined):
            yield f"{key}: the ledger says {said.quarantined} in quarantine, the table has {refused[key]}"


def _rows(table: Table) -> Counter[str]:
    """Count a table's rows by raw object, a batch at a time."""
    rows: Counter[str] = Counter()
    for batch in table.scan(selected_fields=(RAW_OBJECT_COLUMN,)).to_arrow_batch_reader():
        for found in batch.column(0).value_counts().to_pylist():
            rows[found["values"]] += found["counts"]
    return rows
