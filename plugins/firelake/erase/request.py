"""Whose records are to be erased, and how they are told from others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import duckdb

from firelake.compact.casting import duckdb_type
from firelake.errors import UsageError
from firelake.spec import Column, Dataset
from firelake.spec.types import Primitive
from firelake.sql import identifier, literal, literals

_SHORTEST_TEXT = 4


@dataclass(frozen=True)
class Request:
    """The values of a column whose records are to be erased.

    Parameters
    ----------
    values
        As people write them; each must be of the column's type.
    """

    dataset: Dataset
    column: Column
    values: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, column: str, values: Iterable[str]) -> Self:
        """Check what was asked for.

        Raises
        ------
        UsageError
            If the column does not hold personal data, a value is not of its type, or the dataset's
            records are envelopes, of which single elements cannot be erased.
        """
        known = {one.name: one for one in dataset.columns if one.pii}
        if column not in known:
            named = ", ".join(known) or "none"
            raise UsageError(f"{dataset.name}: {column!r} is no column with `pii: true`; those are: {named}")
        if dataset.explode is not None:
            raise UsageError(f"{dataset.name}: its records are envelopes (explode); erase at their source")
        request = cls(dataset, known[column], tuple(dict.fromkeys(values)))
        if not request.values:
            raise UsageError("name at least one value")
        request.typed()
        return request

    @property
    def condition(self) -> str:
        """SQL that is true for rows to be erased, false for all others."""
        kind = duckdb_type(self.column.type)
        typed = ", ".join(f"CAST({literal(value)} AS {kind})" for value in self.values)
        return f"coalesce({identifier(self.column.name)} IN ({typed}), false)"

    @property
    def text_condition(self) -> str:
        """SQL that is true for quarantined texts that hold one of the values as a JSON text."""
        held = [
            f"contains(raw_text, {literal(json.dumps(value, ensure_ascii=False))})" for value in self._texts
        ]
        return f"({' OR '.join(held)})" if held else "false"

    @property
    def _texts(self) -> tuple[str, ...]:
        return self.values if self.column.type == Primitive("string") else ()

    def holds_json_text(self, data: bytes) -> bool:
        """Tell whether bytes that are no readable record hold one of the values as a JSON text."""
        return any(json.dumps(value, ensure_ascii=False).encode() in data for value in self._texts)

    def is_told_in(self, data: bytes) -> bool:
        """Tell whether a page or a result holds one of the values, if they are long enough to tell."""
        return any(value.encode() in data for value in self._texts if len(value) >= _SHORTEST_TEXT)

    def may_match(self, data: bytes) -> bool:
        """Tell whether a record in some bytes may match; a text written with escapes may."""
        if self.column.type != Primitive("string") or b"\\" in data:
            return True
        return any(value.encode() in data for value in self.values)

    def typed(self) -> set[Any]:
        """Return the values as the table holds them.

        Raises
        ------
        UsageError
            If one is not of the column's type.
        """
        kind = duckdb_type(self.column.type)
        with duckdb.connect() as connection:
            try:
                rows = connection.execute(
                    f"SELECT CAST(value AS {kind}) FROM (SELECT unnest([{literals(self.values)}]) AS value)"  # noqa: S608
                ).fetchall()
            except duckdb.Error as error:
                raise UsageError(f"{self.column.name}: a value is no {self.column.type}") from error
        return {value for (value,) in rows}
