"""What the fields of raw records look like, from a sample of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_MAX_EXAMPLES = 3
_EXAMPLE_LENGTH = 80
# A few values of another type are single failures, which compaction quarantines; no new type.
_RARE = 0.05
_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "bigint",
    float: "double",
    str: "string",
    list: "array",
    dict: "struct",
}


@dataclass
class FieldSample:
    """One top-level field of the sampled records.

    Parameters
    ----------
    records
        How many records have it.
    types
        Records by the type of its value, as Glue names types; nulls are not counted.
    """

    first_seen: datetime
    records: int = 0
    types: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, value: Any) -> None:
        """Take one record's value in."""
        self.records += 1
        if value is None:
            return
        self.types[_NAMES[type(value)]] += 1
        example = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(self.examples) < _MAX_EXAMPLES and example[:_EXAMPLE_LENGTH] not in self.examples:
            self.examples.append(example[:_EXAMPLE_LENGTH])

    @property
    def type(self) -> str | None:
        """The type that holds its values, but for a few of another; None if it has none."""
        few = _RARE * self.types.total()
        found = {name for name, count in self.types.items() if count >= few}
        if found == {"bigint", "double"}:
            return "double"
        if len(found) > 1:
            return "string"
        return next(iter(found), None)


@dataclass(frozen=True)
class Sample:
    """The fields of some records."""

    records: int
    fields: Mapping[str, FieldSample]

    def share(self, name: str) -> float:
        """Return the share of records that have a field."""
        return self.fields[name].records / self.records if name in self.fields and self.records else 0.0


def sample_fields(arrivals: Iterable[tuple[datetime, Iterable[bytes]]]) -> Sample:
    """Look at the records of some objects, given with their arrival."""
    records = 0
    fields: dict[str, FieldSample] = {}
    for arrived_at, pieces in sorted(arrivals, key=lambda item: item[0]):
        for record in _objects(pieces):
            records += 1
            for name, value in record.items():
                fields.setdefault(name, FieldSample(arrived_at)).add(value)
    return Sample(records, fields)


def _objects(pieces: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for piece in pieces:
        try:
            value = json.loads(piece)
        except ValueError:
            # Compaction quarantines it; here it says nothing about fields.
            continue
        if isinstance(value, dict):
            yield value
