"""Temperature and loads of eleven devices, sent up to three hours after they were read."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from random import Random

from ingest.profile import Profile, Record

DEVICES = range(11)
SILENT_DEVICE = 7
_SILENCE = (timedelta(hours=10), timedelta(hours=14))
_SPIKE_SHARE = 0.004
_WHOLE_SECOND_SHARE = 0.05


class Devices:
    """Eleven devices with a daily temperature wave each; one is silent for four hours a day."""

    def record(self, random: Random, happened_at: datetime, sent_at: datetime) -> Record | None:
        """Return one device's reading."""
        device = random.choice(DEVICES)
        if random.random() < _WHOLE_SECOND_SHARE:
            happened_at = happened_at.replace(microsecond=0)
        midnight = happened_at.replace(hour=0, minute=0, second=0, microsecond=0)
        if device == SILENT_DEVICE and _SILENCE[0] <= happened_at - midnight < _SILENCE[1]:
            return None
        wave = _daily_wave(device, (happened_at - midnight) / timedelta(days=1))
        return {
            "id_device": device,
            "temperature": _temperature(random, device, wave),
            "cpu": round(random.triangular(0.001, 0.999, 0.5 + 0.3 * wave), 6),
            "ram": round(random.triangular(0.001, 0.999, 0.4 + 0.02 * device), 6),
            "hd": round(0.05 + 0.09 * device + random.uniform(-0.045, 0.045), 6),
            "timestamp": happened_at.replace(tzinfo=None).isoformat(),
            "timestamp_sent": f"{sent_at:%Y-%m-%d %H}",
        }


def _daily_wave(device: int, share_of_day: float) -> float:
    """Return -1 (coldest) to 1 (warmest, in the afternoon; each device has its own hour)."""
    return math.sin(2 * math.pi * (share_of_day - 0.375) + 0.2 * device)


def _temperature(random: Random, device: int, wave: float) -> int:
    """Return a temperature around the device's own, from 10 to 90 °C, with rare spikes away from it."""
    usual = 10 + 8 * device
    spike = random.uniform(35, 50) if random.random() < _SPIKE_SHARE else 0
    celsius = usual + 6 * wave + random.gauss(0, 1.5) + (spike if usual <= 50 else -spike)
    return min(100, max(0, round(celsius)))


PROFILE = Profile(
    dataset="iot_device_telemetry",
    source=lambda _: Devices(),
    usual_delay=timedelta(minutes=180),
    required=("id_device", "timestamp"),
    wrong_values=(
        ("temperature", "n/a"),
        ("cpu", "high"),
        ("id_device", "device-3"),
        ("timestamp", "yesterday"),
    ),
)
