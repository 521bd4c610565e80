"""The sources look like what they simulate: fields, ranges, days, sessions and visits."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from firelake.spec import find_dataset

from ingest.campaign import FAULTS, Campaign, deliveries
from ingest.profiles import PROFILES, charging_telemetry
from ingest.records import Kind
from tests.unit.ingest.campaigns import START, campaign

NAMES = sorted(PROFILES)
DASHED = re.compile(r"\d{4}\N{EN DASH}\d\d\N{EN DASH}\d\d ")


def records(dataset: str, count: int = 4000) -> list[dict[str, Any]]:
    """Return two days of ordinary records, in order of sending."""
    sent = deliveries(campaign(dataset=dataset, records=count, mix=FAULTS["none"]))
    return [json.loads(delivery.payload) for delivery in sent]


@pytest.mark.parametrize("name", NAMES)
def test_every_accepted_record_has_content_of_its_own_and_every_kind_occurs(name: str) -> None:
    contents: set[str] = set()
    kinds: set[Kind] = set()
    for delivery in deliveries(campaign(dataset=name, records=3000)):
        for item in delivery.items:
            kinds.add(item.kind)
            if item.kind.is_trusted:
                content = item.data.decode().replace("createdAt", "created_at").replace("\N{EN DASH}", "-")
                assert content not in contents
                contents.add(content)
    assert kinds == set(Kind)


@pytest.mark.parametrize("name", NAMES)
def test_a_campaign_of_a_few_records_in_a_second_ends(name: str) -> None:
    """A source with nothing to say would be asked for ever."""
    dataset = find_dataset(name)
    for hour in range(24):
        start = datetime(2026, 11, 19, hour, 30, tzinfo=UTC)
        short = Campaign(PROFILES[name], dataset, start, start + timedelta(seconds=1), 300, hour)
        assert sum(1 for _ in deliveries(short)) >= 300


def test_air_is_graded_and_its_times_carry_no_zone() -> None:
    levels = ("NO2", "CO", "PM01", "PM2_5", "PM10", "AQI", "TVOC")
    rush, night = [], []
    for record in records("air_quality"):
        record.pop("firmware", None)
        assert list(record) == ["TIME", "USER_INPUT", *levels, "eCO2", "P", "T", "RH"]
        assert all(record[level] in range(1, 6) for level in levels)
        assert record["USER_INPUT"] in (None, 1, 2, 3, 4, 5)
        assert record["eCO2"] in range(1001)
        assert all(0 <= record[name] <= 100 for name in ("P", "T", "RH"))
        assert all(round(record[name], 2) == record[name] for name in ("P", "T", "RH"))
        at = datetime.fromisoformat(record["TIME"])
        assert at.tzinfo is None
        (rush if at.hour in (7, 8, 17, 18) else night if at.hour < 4 else []).append(record["NO2"])
    assert sum(rush) / len(rush) > sum(night) / len(night) + 1


def test_a_session_ramps_up_tapers_and_fills_the_battery_with_what_it_draws() -> None:
    minute = timedelta(minutes=1)
    for charger in charging_telemetry.CHARGERS:
        for session in charging_telemetry.sessions(charger, START.replace(tzinfo=None)):
            states = []
            at = session.start
            while at < session.end:
                states.append(session.state(at))
                at += minute
            powers, percents = zip(*states, strict=True)
            assert powers[0] == 0
            assert max(powers) <= session.power_w
            assert all(one <= following for one, following in pairwise(percents))
            # Within the ramp's two minutes and the steps of the sum.
            drawn_kwh = sum(powers) / 60_000
            taken_kwh = (percents[-1] - percents[0]) / 100 * session.capacity_kwh
            assert drawn_kwh == pytest.approx(taken_kwh, abs=0.4)


def test_chargers_report_sessions_and_some_of_them_pass_midnight() -> None:
    seen: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records("charging_telemetry"):
        assert re.fullmatch(r"charger-\d\d", record["charger_id"])
        assert 0 <= record["power"] <= 9000
        assert 0 <= record["soc"] <= 100
        seen[record["session_id"]].append(record)
    assert all(len({one["charger_id"] for one in readings}) == 1 for readings in seen.values())
    assert any(len({one["time"][:10] for one in readings}) == 2 for readings in seen.values())
    for readings in seen.values():
        in_order = sorted(readings, key=lambda one: one["time"])
        assert all(one["soc"] <= following["soc"] for one, following in pairwise(in_order))


def test_guests_go_from_appetizers_to_desserts_at_meal_times() -> None:
    visits: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    drifted = {"createdAt": 0, "dashes": 0}
    hours: defaultdict[int, int] = defaultdict(int)
    for record in records("menu_clicks", 6000):
        drifted["createdAt"] += "createdAt" in record
        stamp = record.pop("created_at", None) or record.pop("createdAt")
        drifted["dashes"] += bool(DASHED.match(stamp))
        record["at"] = datetime.strptime(stamp.replace("\N{EN DASH}", "-"), "%Y-%m-%d %H:%M:%S")
        assert re.fullmatch(r"(appetizer|entree|dessert)_\d", record["element_clicked"])
        assert record["time_spent"] in range(241)
        hours[record["at"].hour] += 1
        visits[record["source_menu"]].append(record)
    assert all(30 < count < 120 for count in drifted.values())
    assert hours[12] > 5 * hours[9] > 0
    stages = ("appetizer", "entree", "dessert")
    for clicks in visits.values():
        in_order = sorted(clicks, key=lambda one: one["at"])
        for one, following in pairwise(in_order):
            if following["at"] - one["at"] < timedelta(minutes=20):
                places = [
                    stages.index(each["element_clicked"].partition("_")[0]) for each in (one, following)
                ]
                assert places[0] <= places[1]
