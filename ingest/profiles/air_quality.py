"""One air sensor in a room by a street: rush hours outside, people inside."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from ingest.profile import Profile, Record

_RATED_SHARE = 0.8
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class Sensor:
    """A sensor that grades what is in the air and estimates CO2; its times carry no zone."""

    def record(self, random: Random, happened_at: datetime, sent_at: datetime) -> Record | None:
        """Return a reading."""
        midnight = happened_at.replace(hour=0, minute=0, second=0, microsecond=0)
        hour = (happened_at - midnight) / _HOUR
        traffic = max(_peak(hour, 8), _peak(hour, 18))
        people = max(_peak(hour, 11), _peak(hour, 15))
        afternoon = math.sin(2 * math.pi * ((happened_at - midnight) / _DAY - 0.375))
        graded = _grader(random)
        particles = graded(1.2 + 1.6 * traffic)
        compounds = graded(1.2 + 2.2 * people)
        record = {
            "TIME": happened_at.replace(tzinfo=None).isoformat(),
            "USER_INPUT": graded(1 + 1.5 * people + traffic),
            "NO2": graded(1.1 + 2.6 * traffic),
            "CO": graded(1 + 1.2 * traffic),
            "PM01": particles,
            "PM2_5": min(5, particles + (random.random() < 0.3)),
            "PM10": min(5, particles + (random.random() < 0.5)),
            "AQI": max(particles, compounds),
            "TVOC": compounds,
            "eCO2": _within(round(430 + 380 * people + random.gauss(0, 25)), 1000),
            "P": round(_within(98.2 + 0.4 * afternoon + random.gauss(0, 0.15), 100), 2),
            "T": round(_within(21 + 3 * afternoon + random.gauss(0, 0.4), 100), 2),
            "RH": round(_within(48 - 9 * afternoon + random.gauss(0, 1.5), 100), 2),
        }
        if random.random() > _RATED_SHARE:
            record["USER_INPUT"] = None
        return record


def _peak(hour: float, at: float) -> float:
    """Return 1 at an hour of the day, falling to almost 0 three hours before and after."""
    return math.exp(-(((hour - at) / 1.5) ** 2))


def _grader(random: Random) -> Callable[[float], int]:
    """Return a function that grades a value from 1 to 5, with the sensor's noise."""
    return lambda value: min(5, max(1, round(value + random.gauss(0, 0.4))))


def _within(value: float, highest: float) -> float:
    return min(highest, max(0, value))


PROFILE = Profile(
    dataset="air_quality",
    source=lambda _: Sensor(),
    usual_delay=timedelta(minutes=10),
    required=("TIME",),
    wrong_values=(("NO2", "high"), ("eCO2", "n/a"), ("RH", "damp"), ("TIME", "yesterday")),
)
