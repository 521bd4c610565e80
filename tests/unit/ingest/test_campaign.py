from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from firelake.errors import FirelakeError
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.campaign import Mix, deliveries
from ingest.records import Kind
from ingest.sent import Tally
from tests.unit.ingest.campaigns import START, campaign, count_outcomes, flat

shares = st.floats(0, 0.49)
mixes = st.builds(Mix, duplicate=st.floats(0, 1), late=shares, malformed=shares)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), mix=mixes, shuffle=st.randoms(), lag=st.integers(-30, 0))
def test_a_reader_counts_what_the_tally_expects_whatever_the_order(
    seed: int, mix: Mix, shuffle: Random, lag: int
) -> None:
    tally, counts, seen = Tally(), Counter[str](), set[str]()
    sent = list(deliveries(campaign(records=60, seed=seed, mix=mix)))
    shuffle.shuffle(sent)
    for delivery in sent:
        tally.add(delivery, delivery.sent_at)
        # An object's key may tell a time up to half an hour before the sending.
        counts += count_outcomes(delivery.payload, delivery.sent_at + timedelta(minutes=lag), seen)
    assert counts == +flat(tally.expected.model_dump())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), shuffle=st.randoms())
def test_broken_fragments_stay_countable_in_one_object_in_any_order(seed: int, shuffle: Random) -> None:
    sent = list(
        deliveries(campaign(records=80, seed=seed, mix=Mix(late=0, malformed=0.9, duplicate=0.2), hours=1))
    )
    shuffle.shuffle(sent)
    tally = Tally()
    for delivery in sent:
        tally.add(delivery, delivery.sent_at)
    counts = count_outcomes(b"".join(one.payload for one in sent), START, set())
    assert counts == +flat(tally.expected.model_dump())


def test_every_kind_occurs_and_the_identity_holds() -> None:
    tally = Tally()
    for delivery in deliveries(campaign(records=2000)):
        tally.add(delivery, delivery.sent_at)
    expected = tally.expected
    assert set(tally.kinds) == set(Kind)
    assert expected.records_in == expected.trusted + expected.duplicates + sum(expected.quarantined.values())
    assert sum(day.trusted for day in tally.days_sent.values()) == expected.trusted
    assert tally.trusted_by_day.total() == expected.trusted
    assert set(tally.days_sent) == {"2026-11-19", "2026-11-20"}


def test_equal_seeds_send_equal_bytes_in_order_of_time() -> None:
    first, again = list(deliveries(campaign())), list(deliveries(campaign()))
    other = list(deliveries(campaign(seed=2)))
    assert [one.payload for one in first] == [one.payload for one in again]
    assert [one.payload for one in first] != [one.payload for one in other]
    assert all(one.sent_at <= following.sent_at for one, following in pairwise(first))
    assert first[0].sent_at >= START
    assert first[-1].sent_at < START + timedelta(days=2)


def test_duplicates_repeat_an_accepted_record_byte_by_byte_at_once_or_hours_later() -> None:
    sent_at: dict[bytes, datetime] = {}
    delays: list[timedelta] = []
    for delivery in deliveries(campaign(records=1500)):
        item = delivery.items[-1]
        if item.kind is Kind.DUPLICATE:
            delays.append(delivery.sent_at - sent_at[item.data])
        elif item.kind.is_trusted:
            assert item.data not in sent_at
            sent_at[item.data] = delivery.sent_at
    assert timedelta(0) in delays
    assert timedelta(hours=6) < max(delays) <= timedelta(hours=12)


def test_records_are_as_the_devices_send_them() -> None:
    stamps = set()
    for delivery in deliveries(campaign(mix=Mix(0, 0, 0))):
        (item,) = delivery.items
        record = json.loads(item.data)
        assert record.pop("firmware", "2.0").startswith("2.")
        assert list(record) == ["id_device", "temperature", "cpu", "ram", "hd", "timestamp", "timestamp_sent"]
        assert record["id_device"] in range(11)
        assert record["temperature"] in range(101)
        assert all(
            isinstance(record[load], float) and 0 <= record[load] <= 1 for load in ("cpu", "ram", "hd")
        )
        assert record["timestamp_sent"] == f"{delivery.sent_at:%Y-%m-%d %H}"
        happened_at = datetime.fromisoformat(record["timestamp"]).replace(tzinfo=START.tzinfo)
        assert timedelta(0) <= delivery.sent_at - happened_at <= timedelta(minutes=181)
        assert "\n" not in item.data.decode()
        stamps.add(len(record["timestamp"]))
    assert stamps == {19, 26}


def test_one_device_is_silent_for_four_hours() -> None:
    hours: dict[int, set[int]] = {}
    for delivery in deliveries(campaign(records=6000, mix=Mix(0, 0, 0))):
        record = json.loads(delivery.payload)
        hours.setdefault(record["id_device"], set()).add(int(record["timestamp"][11:13]))
    silent = {device: sorted(set(range(24)) - heard) for device, heard in hours.items()}
    assert silent == {device: [10, 11, 12, 13] if device == 7 else [] for device in range(11)}


@pytest.mark.parametrize("shares", [(0, -0.1, 0), (1.5, 0, 0), (0, 0, float("nan")), (0, 0.6, 0.5)])
def test_shares_that_are_none_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(FirelakeError, match="share"):
        Mix(*shares)


def test_an_empty_span_is_refused() -> None:
    with pytest.raises(FirelakeError, match="--end must be after --start"):
        campaign(hours=0)


def test_lateness_without_room_between_usual_and_too_late_is_refused() -> None:
    with pytest.raises(FirelakeError, match="--late-days"):
        campaign(mix=Mix(late_up_to=timedelta(hours=2)))
