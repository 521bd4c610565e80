"""Campaigns for tests, and a plain reader of what they send that shares no code with them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from firelake.spec import find_dataset

from ingest.campaign import Campaign, Mix
from ingest.profiles import PROFILES

START = datetime(2026, 11, 19, tzinfo=UTC)
MANY_ODDITIES = Mix(duplicate=0.3, late=0.3, malformed=0.3)


def campaign(
    records: int = 400,
    seed: int = 1,
    mix: Mix = MANY_ODDITIES,
    hours: int = 48,
    dataset: str = "iot_device_telemetry",
) -> Campaign:
    """Return a short campaign, of the device source unless said."""
    end = START + timedelta(hours=hours)
    return Campaign(PROFILES[dataset], find_dataset(dataset), START, end, records, seed, mix)


def read_concatenated(raw: bytes) -> list[tuple[Any, str | None]]:
    """Read JSON values that follow each other; after a bad stretch go on at the next ``{`` in it.

    Returns
    -------
    list
        Each value or bad text, with None or the reason for which it is refused.
    """
    text = raw.decode("utf-8", "surrogateescape")
    found: list[tuple[Any, str | None]] = []
    position = 0
    while position < len(text):
        try:
            value, end = json.JSONDecoder().raw_decode(text, position)
        except json.JSONDecodeError:
            value, end = None, text.find("{", position + 1) % (len(text) + 1)
            found.append((text[position:end], "malformed_json"))
        else:
            found.append((value, _refusal(value, text[position:end])))
        position = end
    return found


def _refusal(value: Any, text: str) -> str | None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "invalid_utf8"
    return None if isinstance(value, dict) else "not_an_object"


def device_refusal(record: dict[str, Any], arrived_at: datetime) -> str | None:
    """Judge a device's record as the spec demands."""
    if record.get("id_device") is None or record.get("timestamp") is None:
        return "missing_required"
    numbers = [record["id_device"], record["temperature"], record["cpu"], record["ram"], record["hd"]]
    try:
        happened_at = datetime.fromisoformat(record["timestamp"]).replace(tzinfo=UTC)
    except ValueError:
        return "wrong_type"
    if not all(isinstance(number, int | float) for number in numbers):
        return "wrong_type"
    if happened_at < arrived_at - timedelta(days=7):
        return "too_late"
    return "in_future" if happened_at > arrived_at + timedelta(hours=1) else None


def count_outcomes(raw: bytes, arrived_at: datetime, seen: set[str]) -> Counter[str]:
    """Count trusted, duplicate and refused records of one object; ``seen`` is what is trusted already."""
    counts: Counter[str] = Counter()
    for value, reason in read_concatenated(raw):
        reason = reason or device_refusal(value, arrived_at)
        content = json.dumps(value, sort_keys=True)
        if reason is not None:
            counts[reason] += 1
        elif content in seen:
            counts["duplicates"] += 1
        else:
            seen.add(content)
            counts["trusted"] += 1
    return counts


def flat(expected: dict[str, Any]) -> Counter[str]:
    """Return what the simulator expects in the form that :func:`count_outcomes` returns."""
    return Counter(
        {"trusted": expected["trusted"], "duplicates": expected["duplicates"]} | expected["quarantined"]
    )
