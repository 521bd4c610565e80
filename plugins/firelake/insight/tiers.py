"""Storage by tier, what it costs, and what the declared rules will move next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from firelake.cost.prices import Prices, load_prices
from firelake.cost.storage import SMALLEST_MOVED_BYTES, STANDARD, Cohort, month_rate
from firelake.cost.usage import stock
from firelake.layout import Lake, Zone
from firelake.lifecycle.rules import TIERED_ZONES, steps_of
from firelake.outcome import Outcome
from firelake.spec import Dataset
from firelake.spec.dataset import LifecycleStep

EXPIRES = "expires"
HORIZON_DAYS = 30
_CONCURRENCY = 8


class TierHolding(Outcome):
    """What lies in one storage class, and what storing it costs a month at today's rate."""

    storage_class: str
    objects: int
    size_bytes: int
    per_month: float


class RuleStep(Outcome):
    """A declared step, and what it does soon.

    Parameters
    ----------
    to
        Storage class, or :data:`EXPIRES`.
    due_objects, due_bytes
        What reaches the step's age within :data:`HORIZON_DAYS`.
    next_on
        The first day on which something does; None if nothing that is there now will.
    """

    after_days: int
    to: str
    due_objects: int
    due_bytes: int
    next_on: date | None


class ZoneTiers(Outcome):
    """One dataset's objects in one zone."""

    zone: Zone
    tiers: tuple[TierHolding, ...]
    steps: tuple[RuleStep, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all of them."""
        return sum(tier.size_bytes for tier in self.tiers)

    @property
    def per_month(self) -> float:
        """What storing them costs a month."""
        return sum(tier.per_month for tier in self.tiers)


@dataclass(frozen=True)
class Tiers:
    """What lies in a lake's buckets, by dataset.

    Parameters
    ----------
    listed_at
        When the buckets were listed.
    zones
        By dataset's name.
    currency
        That of the prices.
    """

    listed_at: datetime
    zones: dict[str, tuple[ZoneTiers, ...]]
    currency: str

    def bytes_of(self, dataset: str) -> int | None:
        """Return the size of all of a dataset's objects; None if it was not declared yet."""
        return sum(zone.size_bytes for zone in self.zones[dataset]) if dataset in self.zones else None

    def per_month_of(self, dataset: str) -> float | None:
        """Return what storing a dataset costs a month; None if it was not declared yet."""
        return sum(zone.per_month for zone in self.zones[dataset]) if dataset in self.zones else None


def list_tiers(
    lake: Lake, datasets: Iterable[Dataset], clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Tiers:
    """List every dataset's objects with their storage classes.

    Raises
    ------
    LakeUnreachable
        If a bucket does not exist or does not answer.
    """
    listed_at, prices = clock(), load_prices()

    def zones_of(dataset: Dataset) -> tuple[str, tuple[ZoneTiers, ...]]:
        stocks = {zone: stock(lake, dataset, zone, listed_at) for zone in TIERED_ZONES}
        zones = (zone_tiers(dataset, zone, stocks[zone], prices, listed_at.date()) for zone in TIERED_ZONES)
        return dataset.name, tuple(zones)

    with ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="tiers") as pool:
        return Tiers(listed_at, dict(pool.map(zones_of, datasets)), prices.currency)


def zone_tiers(
    dataset: Dataset, zone: Zone, cohorts: Sequence[Cohort], prices: Prices, today: date
) -> ZoneTiers:
    """Say what lies in a zone and what its declared steps do soon."""
    classes = {cohort.storage_class for cohort in cohorts}
    tiers = [_tier(name, cohorts, prices) for name in classes]
    steps = steps_of(dataset, zone)
    return ZoneTiers(
        zone=zone,
        tiers=tuple(sorted(tiers, key=lambda tier: (-tier.size_bytes, tier.storage_class))),
        steps=tuple(_step(step, steps[:number], cohorts, today) for number, step in enumerate(steps)),
    )


def _tier(storage_class: str, cohorts: Iterable[Cohort], prices: Prices) -> TierHolding:
    alike = [cohort for cohort in cohorts if cohort.storage_class == storage_class]
    return TierHolding(
        storage_class=storage_class,
        objects=round(sum(cohort.objects for cohort in alike)),
        size_bytes=round(sum(cohort.bytes_stored for cohort in alike)),
        per_month=sum(month_rate(cohort, prices) for cohort in alike),
    )


def _step(
    step: LifecycleStep, earlier: Sequence[LifecycleStep], cohorts: Iterable[Cohort], today: date
) -> RuleStep:
    warmer = {STANDARD, *(str(one.to) for one in earlier)}
    due = [
        (max(0, step.after.days - int(cohort.age_days)), cohort)
        for cohort in cohorts
        if step.expire or (cohort.storage_class in warmer and _movable(cohort))
    ]
    soon = [(days, cohort) for days, cohort in due if days <= HORIZON_DAYS]
    return RuleStep(
        after_days=step.after.days,
        to=EXPIRES if step.expire else str(step.to),
        due_objects=round(sum(cohort.objects for _, cohort in soon)),
        due_bytes=round(sum(cohort.bytes_stored for _, cohort in soon)),
        next_on=today + timedelta(days=min(days for days, _ in soon)) if soon else None,
    )


def _movable(cohort: Cohort) -> bool:
    """Tell whether S3 moves such objects; it leaves small ones where they are."""
    return cohort.bytes_stored >= SMALLEST_MOVED_BYTES * cohort.objects
