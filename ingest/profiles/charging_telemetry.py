"""Chargers at a company's car park: vehicles charge over the working day, and some over night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

from ingest.profile import Profile, Record

CHARGERS = range(1, 41)
MAX_POWER_W = 9000
_RAMP = timedelta(minutes=2)
_TAPER_FROM_PERCENT = 80.0
_TAPERED_SHARE = 0.12
_IDLE_W = 4.0
_TRIES = 40

# When vehicles come, at the earliest and the latest, and how long they stay, in hours.
_STAYS = ((6.0, 10.5, 2.0, 7.0), (12.5, 16.5, 1.0, 4.5), (18.0, 21.5, 6.0, 11.5))


@dataclass(frozen=True)
class Session:
    """A vehicle that is plugged in.

    Parameters
    ----------
    power_w
        What it draws between ramp and taper.
    capacity_kwh
        Of its battery.
    arrival_percent
        Its state of charge when it comes.
    """

    id: str
    start: datetime
    end: datetime
    power_w: float
    capacity_kwh: float
    arrival_percent: float

    def state(self, at: datetime) -> tuple[float, float]:
        """Return power (W) and state of charge (%) at an instant of the session."""
        elapsed_h = (at - self.start) / timedelta(hours=1)
        percent_per_h = self.power_w / 10 / self.capacity_kwh
        until_taper_h = max(0.0, _TAPER_FROM_PERCENT - self.arrival_percent) / percent_per_h
        if elapsed_h < until_taper_h:
            ramp = min(1.0, (at - self.start) / _RAMP)
            return self.power_w * ramp, self.arrival_percent + elapsed_h * percent_per_h
        # The last fifth takes power that falls in a straight line until the battery is full.
        begin = max(self.arrival_percent, _TAPER_FROM_PERCENT)
        taper_h = 2 * (100 - begin) / (percent_per_h * (1 + _TAPERED_SHARE))
        share = (elapsed_h - until_taper_h) / taper_h
        if share >= 1:
            return _IDLE_W, 100.0
        charged = share * (2 - share * (1 - _TAPERED_SHARE)) / (1 + _TAPERED_SHARE)
        return self.power_w * (1 - share * (1 - _TAPERED_SHARE)), begin + charged * (100 - begin)


@lru_cache(maxsize=4096)
def sessions(charger: int, day: datetime) -> tuple[Session, ...]:
    """Return the sessions that begin at a charger on a day; always the same ones."""
    random = Random(f"{charger} {day:%Y-%m-%d}")  # noqa: S311 - must be repeatable
    found: list[Session] = []
    for number, (earliest, latest, shortest, longest) in enumerate(_STAYS):
        start = day + timedelta(hours=random.uniform(earliest, latest))
        end = start + timedelta(hours=random.uniform(shortest, longest))
        power_w = random.choice((3600.0, 7200.0, 8800.0))
        capacity_kwh, arrival = random.choice((40, 60, 80)), random.uniform(8, 75)
        if random.random() < 0.8 and not (found and start < found[-1].end + 2 * _RAMP):
            session_id = f"{charger:02d}-{day:%Y%m%d}-{number}"
            found.append(Session(session_id, start, end, power_w, capacity_kwh, arrival))
    return tuple(found)


class Chargers:
    """Forty chargers that report while a vehicle is plugged in, some of them past midnight."""

    def record(self, random: Random, happened_at: datetime, sent_at: datetime) -> Record | None:
        """Return a reading of one of the sessions of that time."""
        for _ in range(_TRIES):
            charger = random.choice(CHARGERS)
            session = _session_at(charger, happened_at)
            if session is not None:
                return _reading(random, charger, session, happened_at)
        return None


def _session_at(charger: int, at: datetime) -> Session | None:
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in (today, today - timedelta(days=1)):
        for session in sessions(charger, day):
            if session.start <= at < session.end:
                return session
    return None


def _reading(random: Random, charger: int, session: Session, at: datetime) -> Record:
    power_w, percent = session.state(at)
    noise_w = random.gauss(0, 0.005 * power_w + 0.5)
    return {
        "charger_id": f"charger-{charger:02d}",
        "session_id": session.id,
        "time": at.replace(tzinfo=None).isoformat() + "Z",
        "power": round(min(MAX_POWER_W, max(0.0, power_w + noise_w)), 1),
        "soc": round(percent, 1),
    }


PROFILE = Profile(
    dataset="charging_telemetry",
    source=lambda _: Chargers(),
    usual_delay=timedelta(minutes=2),
    required=("charger_id", "session_id", "time"),
    wrong_values=(("power", "7 kW"), ("soc", "full"), ("time", "yesterday")),
    # As many readings as vehicles are plugged in.
    rhythm=(2, 2, 2, 2, 1.5, 1, 1, 1.5, 2.5, 3, 3.5, 3.5, 3, 3, 3.5, 3.5, 3, 2.5, 2, 2, 2, 2.5, 2.5, 2),
)
