"""What the declared steps move next, by what lies in the zone."""

from datetime import date, timedelta
from typing import Any

import pytest
from firelake.cost.prices import load_prices
from firelake.cost.storage import Cohort
from firelake.insight.tiers import EXPIRES, ZoneTiers, zone_tiers
from firelake.layout import Zone

from tests.unit.compact.lake import dataset

TODAY = date(2026, 11, 22)
MIB = 1 << 20
STEPS: dict[str, Any] = {
    "raw": [
        {"after": "30d", "to": "STANDARD_IA"},
        {"after": "90d", "to": "GLACIER_IR"},
        {"after": "730d", "expire": True},
    ]
}


def tiers(*cohorts: Cohort) -> ZoneTiers:
    return zone_tiers(dataset(lifecycle=STEPS), Zone.RAW, cohorts, load_prices(), TODAY)


def test_what_lies_there_is_added_up_by_class_the_largest_first() -> None:
    found = tiers(Cohort(1, 2, 2 * MIB), Cohort(2, 1, MIB), Cohort(40, 9, 9 * MIB, "STANDARD_IA"))
    assert [(tier.storage_class, tier.objects, tier.size_bytes) for tier in found.tiers] == [
        ("STANDARD_IA", 9, 9 * MIB),
        ("STANDARD", 3, 3 * MIB),
    ]
    assert found.size_bytes == 12 * MIB
    assert found.per_month == pytest.approx(sum(tier.per_month for tier in found.tiers))
    assert found.per_month > 0


@pytest.mark.parametrize(
    ("cohort", "due"),
    [
        # Young: not within the horizon. Nearly old enough, and overdue: today at the earliest.
        (Cohort(0, 1, MIB), {"STANDARD_IA": 30}),
        (Cohort(25, 1, MIB), {"STANDARD_IA": 5}),
        (Cohort(31, 1, MIB), {"STANDARD_IA": 0}),
        # What has been moved by a step is not moved by it again.
        (Cohort(61, 1, MIB, "STANDARD_IA"), {"GLACIER_IR": 29}),
        (Cohort(59, 1, MIB, "STANDARD_IA"), {}),
        # S3 does not move small objects, but expires them.
        (Cohort(720, 1, 1000), {EXPIRES: 10}),
    ],
)
def test_steps_are_due_by_age_class_and_size(cohort: Cohort, due: dict[str, int]) -> None:
    found = {step.to: step for step in tiers(cohort).steps}
    assert list(found) == ["STANDARD_IA", "GLACIER_IR", EXPIRES]
    assert {
        to: (step.due_objects, step.due_bytes, step.next_on) for to, step in found.items() if step.due_objects
    } == {to: (1, cohort.bytes_stored, TODAY + timedelta(days=days)) for to, days in due.items()}


def test_an_empty_zone_has_its_steps_and_nothing_due() -> None:
    found = tiers()
    assert found.tiers == ()
    assert [step.due_objects for step in found.steps] == [0, 0, 0]
    assert {step.next_on for step in found.steps} == {None}
