"""Datasets for lifecycle tests."""

from __future__ import annotations

from typing import Any

from firelake.layout import Lake
from firelake.spec import Dataset

LAKE = Lake("tiers")
Steps = list[dict[str, Any]]
RAW: Steps = [{"after": "30d", "to": "STANDARD_IA"}, {"after": "90d", "to": "GLACIER_IR"}]


def dataset(name: str = "clicks", prefix: str | None = None, **zones: Steps) -> Dataset:
    """Return a dataset that tiers the zones given."""
    return Dataset.model_validate(
        {
            "name": name,
            "owner": "tests",
            "description": "Clicks for tests.",
            "raw": {"prefix": prefix or f"{name}/"},
            "columns": {"at": {"type": "timestamp"}},
            "event_time": "at",
            "quality": {"suite": "expectations/clicks.json"},
            "lifecycle": zones,
        }
    )
