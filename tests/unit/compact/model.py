"""What compaction must do, in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = tuple[Any, ...]


@dataclass
class Expected:
    """The trusted rows, and what became of everything else."""

    rows: list[Row] = field(default_factory=list)
    duplicates: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)


def refusal(record: Mapping[str, Any], arrived_at: datetime) -> str | None:
    if record["d"] is not None and not isinstance(record["d"], int):
        return "wrong_type"
    if record["d"] is None or record["t"] is None:
        return "missing_required"
    taken_at = datetime.fromisoformat(record["t"])
    if taken_at < arrived_at - timedelta(days=2):
        return "too_late"
    return "in_future" if taken_at > arrived_at + timedelta(hours=1) else None


def fails_a_rule(record: Mapping[str, Any]) -> bool:
    """Judge as readings_quarantining.json does; a value that is missing fails no rule."""
    return record["d"] != 1 or (record["v"] is not None and record["v"] > 1)


def expected(
    objects: Iterable[tuple[str, datetime, list[Any]]], identity: str, *, quarantining: bool
) -> Expected:
    """Return what runs over all objects must end in, however they are grouped and ordered."""
    outcome, rivals = Expected(), list[tuple[Row, Row]]()
    for key, arrived_at, items in objects:
        for position, item in enumerate(items):
            reason = item if isinstance(item, str) else refusal(item, arrived_at.replace(tzinfo=None))
            if reason is None and quarantining and fails_a_rule(item):
                reason = "failed_rule"
            if reason is not None:
                outcome.quarantined[reason] += 1
                continue
            taken_at = datetime.fromisoformat(item["t"])
            values = (item["d"], item["v"], taken_at, item["l"], None)
            same = {"content": values, "position": (key, position), "device": (taken_at.date(), item["d"])}
            rivals.append(((same[identity], taken_at, key, position), (*values, key, position)))
    survivors: dict[Row, Row] = {}
    for (same, *_), row in sorted(rivals, key=lambda rival: rival[0][1:]):
        survivors.setdefault(same, row)
    outcome.rows = sorted(survivors.values(), key=repr)
    outcome.duplicates = len(rivals) - len(outcome.rows)
    return outcome
