"""What storage costs, against cases reckoned by hand from the price list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from firelake.cost.prices import load_prices
from firelake.cost.storage import DAYS_PER_MONTH, GB, Charge, Cohort, forecast, inflow
from firelake.spec.dataset import LifecycleStep, StorageClass
from hypothesis import given
from hypothesis import strategies as st

PRICES = load_prices()
HUNDRED_GB = Cohort(age_days=0, objects=1000, bytes_stored=100 * GB)


def step(days: int, to: str | None = None) -> LifecycleStep:
    target = None if to is None else StorageClass(to)
    return LifecycleStep(after=timedelta(days=days), to=target, expire=to is None)


def costs(cohort: Cohort, *steps: LifecycleStep, months: int = 3) -> tuple[Charge, ...]:
    return forecast([cohort], steps, PRICES, months)


def test_standard_costs_the_same_every_month() -> None:
    assert [charge.total for charge in costs(HUNDRED_GB)] == pytest.approx([2.30, 2.30, 2.30])


def test_a_transition_is_charged_once_and_lowers_what_follows() -> None:
    first, second, third = costs(HUNDRED_GB, step(60, "GLACIER_IR"))
    assert first == Charge(storage=pytest.approx(2.30))
    # The second month ends on day 60.83: 0.83 days of it are in Glacier.
    cold_days = 2 * DAYS_PER_MONTH - 60
    warm = 100 * 0.023 * (DAYS_PER_MONTH - cold_days) / DAYS_PER_MONTH
    assert second.storage == pytest.approx(warm + 100 * 0.004 * cold_days / DAYS_PER_MONTH)
    assert second.transitions == pytest.approx(1000 / 1000 * 0.02)
    assert third == Charge(storage=pytest.approx(0.40))


def test_small_objects_stay_where_they_are_but_expire() -> None:
    small = Cohort(0, objects=1_000_000, bytes_stored=10 * GB)
    assert [one.total for one in costs(small, step(30, "STANDARD_IA"))] == pytest.approx([0.23] * 3)
    assert costs(small, step(30, "STANDARD_IA"), step(31))[2].total == 0


def test_small_objects_that_are_in_infrequent_access_are_charged_as_128_kb() -> None:
    small = Cohort(0, objects=8192, bytes_stored=1 << 20, storage_class="STANDARD_IA")
    assert costs(small, months=1)[0].total == pytest.approx(0.0125)


def test_archived_objects_carry_an_index() -> None:
    archived = Cohort(400, objects=1 << 20, bytes_stored=1024 * GB, storage_class="DEEP_ARCHIVE")
    # A KB for each object is one GB here: 32 GB in the archive, 8 GB in Standard.
    expected = 1024 * 0.00099 + 32 * 0.00099 + 8 * 0.023
    assert costs(archived, months=1)[0].total == pytest.approx(expected)


def test_intelligent_tiering_follows_what_nobody_reads() -> None:
    charges = costs(HUNDRED_GB, step(0, "INTELLIGENT_TIERING"), months=4)
    watched = 1000 / 1000 * 0.0025
    first_days_in_second_tier = DAYS_PER_MONTH - 30
    first = (100 * 0.023 * 30 + 100 * 0.0125 * first_days_in_second_tier) / DAYS_PER_MONTH + watched
    assert charges[0].storage == pytest.approx(first)
    assert charges[1].total == pytest.approx(100 * 0.0125 + watched)
    assert charges[3].total == pytest.approx(100 * 0.004 + watched)


def test_what_is_overdue_moves_now_and_what_is_colder_stays() -> None:
    overdue = Cohort(100, 1000, 100 * GB)
    assert costs(overdue, step(30, "GLACIER_IR"), months=1)[0] == Charge(
        storage=pytest.approx(0.40), transitions=pytest.approx(0.02)
    )
    colder = Cohort(100, 1000, 100 * GB, "DEEP_ARCHIVE")
    assert costs(colder, step(30, "GLACIER_IR"), months=1)[0].transitions == 0


def test_a_steady_inflow_grows_by_the_triangle() -> None:
    charges = forecast(inflow(10, GB, months=12), [], PRICES, 12)
    gb_days = sum(range(1, 366))
    assert sum(charge.storage for charge in charges) == pytest.approx(gb_days * 0.023 / DAYS_PER_MONTH)


@given(
    age=st.integers(0, 800),
    objects=st.integers(1, 10**6),
    mean_bytes=st.integers(128 << 10, 1 << 28),
    split=st.integers(1, 11),
)
def test_a_longer_look_ahead_begins_as_the_shorter_one(
    age: int, objects: int, mean_bytes: int, split: int
) -> None:
    cohort = Cohort(age, objects, objects * mean_bytes)
    steps = (step(30, "STANDARD_IA"), step(90, "GLACIER_IR"), step(730))
    long, short = costs(cohort, *steps, months=12), costs(cohort, *steps, months=split)
    assert [one.total for one in long[:split]] == pytest.approx([one.total for one in short])
