"""The spec beside what arrives: new, missing, retyped and renamed fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum

from firelake.compact.sources import path_steps
from firelake.drift.fields import Sample
from firelake.outcome import Outcome
from firelake.spec import Dataset
from firelake.spec.dataset import STAMP_KEY, Column
from firelake.spec.types import Decimal, Primitive

MIN_SIMILARITY = 0.6

# What each declared type reads without loss; text is read by every type, if it is written so.
_NUMBERS = {"int": {"bigint", "int"}, "bigint": {"bigint", "int"}}
_FRACTIONS = {"bigint", "int", "double", "float"}
_TEXTS = {"string", "bigint", "int", "double", "float", "boolean", "array", "struct"}


class Change(StrEnum):
    """How a field differs from the spec."""

    NEW = "new"
    MISSING = "missing"
    RETYPED = "retyped"
    RENAMED = "renamed"


class Drift(Outcome):
    """One difference.

    Parameters
    ----------
    field
        The raw field: the new one, or the declared one that is missing or retyped.
    column
        The column that is concerned; None for a new field.
    declared, seen
        The column's type, and what arrives as Glue names types.
    first_seen
        Arrival of the earliest sampled object that has the field; None if none has.
    share
        The share of sampled records that have it.
    """

    change: Change
    field: str
    column: str | None
    declared: str | None
    seen: str | None
    first_seen: datetime | None
    share: float
    examples: tuple[str, ...]


def compare(dataset: Dataset, crawled: Mapping[str, str], sample: Sample) -> tuple[Drift, ...]:
    """Return how what arrives differs from the spec.

    Parameters
    ----------
    crawled
        Columns and types of the raw Glue table, as its crawler inferred them; names in lower case.
    sample
        What gives names as they are written, shares and examples.
    """
    seen = {name: found.type for name, found in sample.fields.items() if found.type}
    sampled = {name.lower() for name in sample.fields}
    seen |= {name: kind for name, kind in crawled.items() if name not in sampled}
    return tuple(_Comparison(dataset, seen, sample).drifts())


class _Comparison:
    def __init__(self, dataset: Dataset, seen: Mapping[str, str], sample: Sample) -> None:
        self._dataset = dataset
        self._seen = seen
        self._sample = sample
        # Glue's names are in lower case, hence so is the comparison.
        self._by_lower = {name.lower(): name for name in seen}

    def drifts(self) -> Iterator[Drift]:
        keys = {key.lower() for column in self._dataset.columns for key in _keys(column)} | {STAMP_KEY}
        new = [name for name in self._seen if name.lower() not in keys]
        for column in self._dataset.columns:
            present = [name for key in _keys(column) if (name := self._by_lower.get(key.lower()))]
            if not present:
                successor = self._successor(column, new)
                if successor is not None:
                    new.remove(successor)
                yield self._drift(Change.RENAMED if successor else Change.MISSING, successor, column)
            elif len(path_steps(column.path)) == 1 and not _reads(column, self._seen[present[0]]):
                yield self._drift(Change.RETYPED, present[0], column)
        for name in new:
            yield self._drift(Change.NEW, name, None)

    def _successor(self, column: Column, new: list[str]) -> str | None:
        """Return the new field that a missing column's values most likely moved to."""
        rated = [(_similarity(column, name), name) for name in new if _reads(column, self._seen[name])]
        score, name = max(rated, default=(0.0, ""))
        return name if score >= MIN_SIMILARITY else None

    def _drift(self, change: Change, name: str | None, column: Column | None) -> Drift:
        sampled = self._sample.fields.get(name) if name is not None else None
        secret = any(declared.pii for declared in self._dataset.columns)
        return Drift(
            change=change,
            field=name or (column.path if column is not None else ""),
            column=None if column is None else column.name,
            declared=None if column is None else str(column.type),
            seen=None if name is None else self._seen[name],
            first_seen=None if sampled is None else sampled.first_seen,
            share=0.0 if name is None else self._sample.share(name),
            # What an undeclared field of a dataset with personal data holds, nobody has said.
            examples=() if sampled is None or secret else tuple(sampled.examples),
        )


def _keys(column: Column) -> list[str]:
    return [str(path_steps(path)[0]) for path in (column.path, *column.aliases)]


def _similarity(column: Column, name: str) -> float:
    """Return how alike a field's name is to those by which a column is known."""
    plain = _plain(name)
    known = {_plain(one) for one in (column.name, *_keys(column))}
    return max(
        1.0 if one in plain or plain in one else SequenceMatcher(None, one, plain).ratio() for one in known
    )


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _reads(column: Column, seen: str) -> bool:
    """Tell whether a column reads values of a type, as Glue names it."""
    kind, base = column.type, seen.partition("<")[0].partition("(")[0]
    if isinstance(kind, Decimal):
        return base in _FRACTIONS | {"decimal"}
    if not isinstance(kind, Primitive):
        return base in {"array", "struct", "map"}
    if column.is_time:
        return base in {"string", "timestamp", "date"} | (
            _FRACTIONS if {"epoch_s", "epoch_ms"} & set(column.formats) else set()
        )
    if kind.name in ("float", "double"):
        return base in _FRACTIONS
    return base in _NUMBERS.get(kind.name, _TEXTS if kind.name == "string" else {kind.name})
