"""The ledger's entries folded to what they say of each raw object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from firelake.outcome import Outcome

COUNTS = ("records_in", "trusted", "duplicates", "quarantined")


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


@dataclass(frozen=True)
class ObjectBook:
    """What the ledger says of one object.

    Parameters
    ----------
    run_id
        The run whose processing stands.
    held
        Whether a rollback took back all that runs had made of the object; its period is to be run again.
    """

    totals: Totals
    run_id: str
    held: bool = False


@dataclass(frozen=True)
class Books:
    """What the ledger says of each object, by key."""

    by_object: dict[str, ObjectBook]

    @classmethod
    def of(cls, entries: Iterable[dict[str, Any]]) -> Books:
        """Fold entries in the order of their commits.

        A later processing of an object replaces all that was said of it; what it loses to others
        afterwards is taken off.
        """
        entries = list(entries)
        held = {(entry["raw_object"], entry["run_id"]) for entry in entries if entry["entry"] == "held"}
        told = [entry for entry in entries if entry["entry"] in ("processed", "displaced")]
        folded: dict[str, ObjectBook] = {}
        for entry in sorted(told, key=lambda entry: _order(entry, held)):
            counts = Totals(**{name: entry[name] for name in COUNTS})
            key = entry["raw_object"]
            if entry["entry"] == "processed":
                folded[key] = ObjectBook(counts, entry["run_id"], held=(key, entry["run_id"]) in held)
            elif key in folded:
                folded[key] = _changed(folded[key], counts)
        return cls(folded)

    @property
    def totals(self) -> Totals:
        """The sums over all objects."""
        sums: Counter[str] = Counter()
        for book in self.by_object.values():
            sums.update(book.totals.model_dump())
        return Totals(**sums)

    @property
    def held(self) -> tuple[str, ...]:
        """The objects of which a rollback left nothing."""
        return tuple(sorted(key for key, book in self.by_object.items() if book.held))


def _order(entry: dict[str, Any], held: set[tuple[str, str]]) -> tuple[int, bool, bool]:
    """Return the place of an entry; of one commit a rollback's come first, what was displaced last."""
    taken_back = (entry["raw_object"], entry["run_id"]) in held
    return entry["sequence_number"], not taken_back, entry["entry"] == "displaced"


def _changed(book: ObjectBook, by: Totals) -> ObjectBook:
    counts = {name: getattr(book.totals, name) + getattr(by, name) for name in COUNTS}
    return ObjectBook(Totals(**counts), book.run_id, book.held)
