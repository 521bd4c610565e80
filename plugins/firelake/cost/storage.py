"""What storing objects costs as they age and move through the tiers.

The rules are S3's: objects under 128 KB are not moved; the infrequent-access classes and Glacier
Instant Retrieval charge at least 128 KB an object; each object in Glacier Flexible Retrieval and Deep
Archive carries 32 KB more at that class's price and 8 KB at Standard's
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html).
Intelligent-Tiering is reckoned for objects that nobody reads once they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from firelake.cost.prices import Prices
from firelake.lifecycle.rules import WATERFALL
from firelake.spec.dataset import LifecycleStep, StorageClass

DAYS_PER_MONTH = 365 / 12
GB = 1 << 30
STANDARD = "STANDARD"
SMALLEST_MOVED_BYTES = 128 << 10

_KB = 1 << 10
_CHARGED_AS_128_KB = frozenset({StorageClass.STANDARD_IA, StorageClass.ONEZONE_IA, StorageClass.GLACIER_IR})
_INDEXED = frozenset({StorageClass.GLACIER, StorageClass.DEEP_ARCHIVE})
_INFREQUENT_AFTER_DAYS, _INSTANT_AFTER_DAYS = 30, 90
_NEVER = float("inf")


@dataclass(frozen=True)
class Cohort:
    """Objects that are alike.

    Parameters
    ----------
    age_days
        Days since they were written; negative for those that are yet to come.
    storage_class
        S3's name of the class that they are in now.
    """

    age_days: float
    objects: float
    bytes_stored: float
    storage_class: str = STANDARD


@dataclass(frozen=True)
class Charge:
    """What a month costs, in the price list's currency."""

    storage: float = 0.0
    transitions: float = 0.0

    def __add__(self, other: Charge) -> Charge:
        """Return the sum."""
        return Charge(self.storage + other.storage, self.transitions + other.transitions)

    @property
    def total(self) -> float:
        """All of it."""
        return self.storage + self.transitions


@dataclass(frozen=True)
class _Stay:
    """A time in one class, in days of age."""

    storage_class: str
    since: float
    until: float
    moved_in: bool


def forecast(
    cohorts: Iterable[Cohort], steps: Sequence[LifecycleStep], prices: Prices, months: int
) -> tuple[Charge, ...]:
    """Return what each of the coming months costs.

    Parameters
    ----------
    cohorts
        What there is, and what is to come.
    steps
        The tiers; none to keep everything where it is.
    """
    charges = [Charge()] * months
    for cohort in cohorts:
        for month, charge in _charges(cohort, steps, prices, months):
            charges[month] += charge
    return tuple(charges)


def inflow(objects_per_day: float, bytes_per_day: float, months: int) -> Iterator[Cohort]:
    """Yield what is to come: one cohort for each day."""
    if not objects_per_day:
        return
    for day in range(round(months * DAYS_PER_MONTH)):
        yield Cohort(-day, objects_per_day, bytes_per_day)


def month_rate(cohort: Cohort, prices: Prices) -> float:
    """Return what a month of some objects costs in the class that they are in now."""
    return _month_rate(cohort, cohort.storage_class, max(cohort.age_days, 0), prices)


def _charges(
    cohort: Cohort, steps: Sequence[LifecycleStep], prices: Prices, months: int
) -> Iterator[tuple[int, Charge]]:
    for stay in _stays(cohort, steps):
        if stay.moved_in:
            entered_day = stay.since - cohort.age_days
            if 0 <= entered_day < months * DAYS_PER_MONTH:
                price = _transition_price(stay.storage_class, prices)
                yield int(entered_day / DAYS_PER_MONTH), Charge(transitions=cohort.objects / 1000 * price)
        for month in range(months):
            begins = cohort.age_days + month * DAYS_PER_MONTH
            for since, until in _by_price(stay, begins, begins + DAYS_PER_MONTH):
                rate = _month_rate(cohort, stay.storage_class, since - _entered(stay), prices)
                yield month, Charge(storage=rate * (until - since) / DAYS_PER_MONTH)


def _stays(cohort: Cohort, steps: Sequence[LifecycleStep]) -> list[_Stay]:
    """Return where the objects are from now on."""
    born = max(cohort.age_days, 0.0)
    stays = [_Stay(cohort.storage_class, born, _NEVER, moved_in=False)]
    for step in steps:
        at = max(float(step.after.days), born)
        if step.expire:
            return _ending(stays, at)
        if step.to is not None and _moves(cohort, stays[-1].storage_class, step.to):
            stays = [*_ending(stays, at), _Stay(step.to, at, _NEVER, moved_in=True)]
    return stays


def _ending(stays: list[_Stay], at: float) -> list[_Stay]:
    """End the last stay. Of steps that are due at once S3 takes the last, so a stay of no time is none."""
    *before, last = stays
    return before if last.since == at else [*before, replace(last, until=at)]


def _moves(cohort: Cohort, current: str, to: StorageClass) -> bool:
    if not cohort.objects or cohort.bytes_stored / cohort.objects < SMALLEST_MOVED_BYTES:
        return False
    return current == STANDARD or WATERFALL.index(StorageClass(current)) < WATERFALL.index(to)


def _entered(stay: _Stay) -> float:
    return stay.since if stay.moved_in else 0.0


def _by_price(stay: _Stay, begins: float, ends: float) -> Iterator[tuple[float, float]]:
    """Yield the parts of a stay between two ages within which its price does not change."""
    since, until = max(stay.since, begins, 0.0), min(stay.until, ends)
    if since >= until:
        return
    cuts = {since, until}
    if stay.storage_class == StorageClass.INTELLIGENT_TIERING:
        tiers = (_entered(stay) + days for days in (_INFREQUENT_AFTER_DAYS, _INSTANT_AFTER_DAYS))
        cuts |= {age for age in tiers if since < age < until}
    yield from pairwise(sorted(cuts))


def _transition_price(storage_class: str, prices: Prices) -> float:
    if storage_class == StorageClass.INTELLIGENT_TIERING:
        return prices.storage[StorageClass.STANDARD_IA].transition_per_1000
    return prices.storage[storage_class].transition_per_1000


def _month_rate(cohort: Cohort, storage_class: str, days_in_class: float, prices: Prices) -> float:
    """Return what a month of a cohort costs in a class."""
    if storage_class == StorageClass.INTELLIGENT_TIERING:
        return _tiering_rate(cohort, days_in_class, prices)
    bytes_charged = cohort.bytes_stored
    if storage_class in _CHARGED_AS_128_KB:
        bytes_charged = max(bytes_charged, cohort.objects * SMALLEST_MOVED_BYTES)
    rate = bytes_charged / GB * prices.storage[storage_class].gb_month
    if storage_class in _INDEXED:
        index_gb = cohort.objects * _KB / GB
        rate += 32 * index_gb * prices.storage[storage_class].gb_month
        rate += 8 * index_gb * prices.storage[STANDARD].gb_month
    return rate


def _tiering_rate(cohort: Cohort, days_in_class: float, prices: Prices) -> float:
    price = prices.intelligent_tiering
    if cohort.bytes_stored < cohort.objects * SMALLEST_MOVED_BYTES:
        return cohort.bytes_stored / GB * price.frequent_gb_month
    gb_month = price.frequent_gb_month
    if days_in_class >= _INSTANT_AFTER_DAYS:
        gb_month = price.archive_instant_gb_month
    elif days_in_class >= _INFREQUENT_AFTER_DAYS:
        gb_month = price.infrequent_gb_month
    return cohort.bytes_stored / GB * gb_month + cohort.objects / 1000 * price.monitoring_per_1000
