"""Readings of the example dataset around one midnight, as Firehose would write them."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta

from firelake.layout import Lake, Zone
from firelake.storage import Bucket

DAY = "2026-11-21"
EVENT_DAYS = ["2026-11-20", "2026-11-21"]
KEY = "iot_device_telemetry/2026/11/21/00/iot-1-2026-11-21-00-10-00-6f1e9a52-0d5c-4c2b-9a63-0e0b0c1d2e3f.gz"


def put_readings(lake: Lake, key: str = KEY, temperature_c: int = 20) -> None:
    """Put one object of 40 readings, half of them of the day before, into raw."""
    midnight = datetime.fromisoformat(DAY)
    readings = (
        {
            "id_device": number % 11,
            "timestamp": (midnight + timedelta(minutes=number - 20, microseconds=1)).isoformat(),
            "timestamp_sent": f"{DAY} 00",
            "temperature": temperature_c + number % 5,
            "cpu": 0.5,
            "ram": 0.25,
            "hd": 0.125,
        }
        for number in range(40)
    )
    body = "".join(json.dumps(reading) for reading in readings).encode()
    Bucket(lake.bucket(Zone.RAW)).write(key, gzip.compress(body))
