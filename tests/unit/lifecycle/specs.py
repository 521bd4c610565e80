"""Datasets for lifecycle tests."""

from __future__ import annotations

from typing import Any

from firelake.layout import Lake
from firelake.spec import Dataset, find_dataset

LAKE = Lake("tiers")
Steps = list[dict[str, Any]]
RAW: Steps = [{"after": "30d", "to": "STANDARD_IA"}, {"after": "90d", "to": "GLACIER_IR"}]


def dataset(name: str = "clicks", prefix: str | None = None, **zones: Steps) -> Dataset:
    """Return a dataset that tiers the zones given."""
    declared = find_dataset("iot_device_telemetry").model_dump(mode="json", exclude={"columns"})
    columns = {"at": {"type": "timestamp"}}
    raw = {"prefix": prefix or f"{name}/"}
    changes = {"name": name, "raw": raw, "lifecycle": zones, "event_time": "at", "sort_by": ["at"]}
    durations = {"max_lateness": "7d", "max_skew": "1h", "freshness": "26h"}
    return Dataset.model_validate({**declared, **changes, **durations, "columns": columns})
