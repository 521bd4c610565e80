"""Days of trusted rows as the simulated sources send them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from firelake.spec import Column, find_dataset

from ingest.campaign import FAULTS, Campaign, deliveries
from ingest.profiles import PROFILES
from tests.sql.tables import Row

FIRST = datetime(2026, 11, 18)
DAYS = 5


def trusted_rows(name: str, records: int) -> list[Row]:
    """Return the rows of some whole days, each a trusted one."""
    dataset = find_dataset(name)
    start, end = FIRST.replace(tzinfo=UTC), FIRST.replace(tzinfo=UTC) + timedelta(days=DAYS)
    campaign = Campaign(PROFILES[name], dataset, start, end, records, seed=1, mix=FAULTS["none"])
    sent = (json.loads(delivery.payload) for delivery in deliveries(campaign))
    rows = [{column.name: _value(column, record) for column in dataset.columns} for record in sent]
    return [row for row in rows if row[dataset.event_time] >= FIRST]


def night_visits() -> list[Row]:
    """Return guests who stay past each midnight but the last: those are rare in so few clicks."""
    midnights = (FIRST + timedelta(days=number) for number in range(1, DAYS))
    minutes = {-10: "appetizer_1", 10: "entree_1", 35: "dessert_1"}
    return [
        {"element": element, "menu": "menu_999", "clicked_at": midnight + timedelta(minutes=minute)}
        | {"time_spent_s": 20}
        for midnight in midnights
        for minute, element in minutes.items()
    ]


def _value(column: Column, record: dict[str, Any]) -> Any:
    value = next((record[path] for path in (column.path, *column.aliases) if path in record), None)
    if not column.is_time or value is None:
        return value
    return datetime.fromisoformat(value.replace("\N{EN DASH}", "-").removesuffix("Z"))
