"""Device health computed plainly in Python, to compare Athena's answer with."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Reading:
    """One row of the trusted table, as far as the summary looks at it."""

    device_id: int
    measured_at: datetime
    temperature_c: int | None = 20
    cpu_load: float | None = 0.5
    ram_load: float | None = 0.5
    disk_load: float | None = 0.5


def device_health(readings: Sequence[Reading], since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return the rows that the summary must have for a span, by device and day."""
    days: defaultdict[tuple[int, Any], list[Reading]] = defaultdict(list)
    for reading in readings:
        if since <= reading.measured_at < until:
            days[reading.device_id, reading.measured_at.date()].append(reading)
    return [
        {"device_id": device, "event_day": day, "readings": len(rows)}
        | _figures("temperature", "_c", [row.temperature_c for row in rows])
        | _spread([row.temperature_c for row in rows if row.temperature_c is not None])
        | _figures("cpu_load", "", [row.cpu_load for row in rows])
        | _figures("ram_load", "", [row.ram_load for row in rows])
        | _figures("disk_load", "", [row.disk_load for row in rows])
        | {"longest_silence_s": _longest_silence([row.measured_at for row in rows])}
        for (device, day), rows in sorted(days.items())
    ]


def _figures(name: str, unit: str, values: Sequence[float | None]) -> dict[str, Any]:
    present = sorted(value for value in values if value is not None)
    if not present:
        return {f"{name}_{figure}{unit}": None for figure in ("min", "avg", "p95", "max")}
    return {
        f"{name}_min{unit}": present[0],
        f"{name}_avg{unit}": math.fsum(present) / len(present),
        f"{name}_p95{unit}": present[-(-19 * len(present) // 20) - 1],
        f"{name}_max{unit}": present[-1],
    }


def _spread(temperatures: Sequence[int]) -> dict[str, Any]:
    if not temperatures:
        return {"temperature_median_c": None, "temperature_mad_c": None, "temperature_anomalies": 0}
    median = statistics.median(temperatures)
    deviations = [abs(temperature - median) for temperature in temperatures]
    mad = statistics.median(deviations)
    limit = 3.5 * mad / 0.6745 if mad else 3.5 * 1.2533 * statistics.fmean(deviations)
    return {
        "temperature_median_c": median,
        "temperature_mad_c": mad,
        "temperature_anomalies": sum(deviation > limit for deviation in deviations),
    }


def _longest_silence(instants: Sequence[datetime]) -> float | None:
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(instants))]
    return max(gaps, default=None)
