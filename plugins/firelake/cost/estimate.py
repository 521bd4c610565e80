"""What a dataset costs a month, what it will cost in a year, and what would be cheaper."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from firelake.cost.prices import Prices
from firelake.cost.storage import (
    DAYS_PER_MONTH,
    GB,
    SMALLEST_MOVED_BYTES,
    Cohort,
    forecast,
    inflow,
    month_rate,
)
from firelake.cost.usage import Flow, QueryUsage, Usage
from firelake.layout import Zone
from firelake.lifecycle.rules import TIERED_ZONES, steps_of
from firelake.outcome import Outcome
from firelake.spec import Dataset
from firelake.spec.dataset import LifecycleStep, StorageClass

_TB = 1 << 40
# What one run joins raw objects to, if it were to store them again.
_JOINED_BYTES = 128 << 20
_WORTH_SAYING = 0.02

DECLARED = "as declared"
KEPT = "nothing moved"
JOINED = "as declared, raw joined to 128 MiB before it is moved"

Steps = tuple[LifecycleStep, ...]


class Line(Outcome):
    """One thing that costs, at today's rate.

    Parameters
    ----------
    zone
        Where; ``lake`` if it is no zone's.
    per_month
        In the price list's currency.
    """

    zone: str
    item: str
    quantity: float
    unit: str
    per_month: float


class Scenario(Outcome):
    """What the storage of a zone costs in the coming months, by one way of tiering it.

    Parameters
    ----------
    steps
        As the dataset's YAML would say it.
    months
        Storage and transitions of each month.
    """

    zone: Zone
    name: str
    steps: str
    months: tuple[float, ...]

    @property
    def total(self) -> float:
        """All months together."""
        return sum(self.months)


class DatasetCost(Outcome):
    """What a dataset costs.

    Parameters
    ----------
    days
        Arrival days that its daily figures are means of.
    """

    dataset: str
    currency: str
    days: int
    lines: tuple[Line, ...]
    scenarios: tuple[Scenario, ...]
    suggestions: tuple[str, ...]

    @property
    def per_month(self) -> float:
        """What it costs a month at today's rate."""
        return sum(line.per_month for line in self.lines)


def estimate(dataset: Dataset, usage: Usage, prices: Prices, months: int = 12) -> DatasetCost:
    """Reckon what a dataset costs from what it uses."""
    scenarios = tuple(_scenarios(dataset, usage, prices, months))
    return DatasetCost(
        dataset=dataset.name,
        currency=prices.currency,
        days=usage.days,
        lines=(*_storage_lines(usage, prices), *_flow_lines(usage, prices)),
        scenarios=scenarios,
        suggestions=tuple(_suggestions(scenarios, prices.currency)),
    )


def query_line(queries: QueryUsage, prices: Prices) -> Line:
    """Return what the lake's queries cost."""
    cost = queries.bytes_charged / _TB * prices.athena.scanned_tb
    return Line(zone="lake", item="Athena scans", quantity=queries.queries, unit="queries", per_month=cost)


def _storage_lines(usage: Usage, prices: Prices) -> Iterator[Line]:
    for zone in TIERED_ZONES:
        stock = usage.stock.get(zone, ())
        for storage_class in sorted({cohort.storage_class for cohort in stock}):
            alike = [cohort for cohort in stock if cohort.storage_class == storage_class]
            yield Line(
                zone=zone,
                item=f"storage {storage_class}",
                quantity=sum(cohort.bytes_stored for cohort in alike) / GB,
                unit="GB",
                per_month=sum(month_rate(cohort, prices) for cohort in alike),
            )


def _flow_lines(usage: Usage, prices: Prices) -> Iterator[Line]:
    objects = sum(flow.objects_per_day for flow in usage.flows.get(Zone.RAW, ())) * DAYS_PER_MONTH
    requests = prices.requests
    yield _thousands("raw", "PUT by Firehose", objects, requests.put_per_1000)
    yield _thousands("raw", "GET by the pipeline", objects, requests.get_per_1000)
    gigabytes = _firehose_bytes(usage, prices.firehose.record_step_bytes) * DAYS_PER_MONTH / GB
    yield Line(
        zone="raw", item="Firehose", quantity=gigabytes, unit="GB", per_month=gigabytes * prices.firehose.gb
    )
    dpu_hours = max(usage.crawl_dpu_hours, prices.crawler.smallest_dpu_hours)
    yield Line(
        zone="raw",
        item="crawler",
        quantity=usage.crawls_per_month,
        unit="crawls",
        per_month=usage.crawls_per_month * dpu_hours * prices.crawler.dpu_hour,
    )


def _thousands(zone: str, item: str, requests: float, price: float) -> Line:
    return Line(zone=zone, item=item, quantity=requests, unit="requests", per_month=requests / 1000 * price)


def _firehose_bytes(usage: Usage, step: int) -> float:
    """Return what Firehose counts a day: each record as a multiple of a step, the mean for each."""
    if not usage.records_per_day:
        return 0.0
    record_bytes = usage.bytes_json_per_day / usage.records_per_day
    return math.ceil(record_bytes / step) * step * usage.records_per_day


def _scenarios(dataset: Dataset, usage: Usage, prices: Prices, months: int) -> Iterator[Scenario]:
    for zone in TIERED_ZONES:
        declared = steps_of(dataset, zone)
        stock, flows = usage.stock.get(zone, ()), usage.flows.get(zone, ())
        for name, steps in _ways(zone, declared).items():
            yield _scenario(zone, name, steps, _cohorts(stock, flows, months), prices, months)
        if zone is Zone.RAW and any(step.to for step in declared):
            joined = _cohorts([_joined(cohort) for cohort in stock], [_joined_flow(flows)], months)
            yield _scenario(zone, JOINED, declared, joined, prices, months)


def _scenario(
    zone: Zone, name: str, steps: Steps, cohorts: Sequence[Cohort], prices: Prices, months: int
) -> Scenario:
    charges = forecast(cohorts, steps, prices, months)
    return Scenario(
        zone=zone, name=name, steps=_yaml(steps), months=tuple(charge.total for charge in charges)
    )


def _cohorts(stock: Sequence[Cohort], flows: Sequence[Flow], months: int) -> list[Cohort]:
    coming = (inflow(flow.objects_per_day, flow.bytes_per_day, months) for flow in flows)
    return [*stock, *(cohort for daily in coming for cohort in daily)]


def _ways(zone: Zone, declared: Steps) -> dict[str, Steps]:
    """Return the ways of tiering that are compared. All of them keep what the dataset keeps, as long."""
    expiry = tuple(step for step in declared if step.expire)
    kept_days = expiry[0].after.days if expiry else math.inf

    def way(*moves: tuple[str, StorageClass]) -> Steps:
        steps = tuple(LifecycleStep(after=after, to=to) for after, to in moves)
        return (*(step for step in steps if step.after.days < kept_days), *expiry)

    ways = {DECLARED: declared, KEPT: expiry}
    if zone is Zone.TRUSTED:
        ways["Intelligent-Tiering at once"] = way(("0d", StorageClass.INTELLIGENT_TIERING))
        ways["infrequent access after 30d"] = way(("30d", StorageClass.STANDARD_IA))
    else:
        ways["instant retrieval after 30d"] = way(("30d", StorageClass.GLACIER_IR))
        ways["deep archive after 90d"] = way(("90d", StorageClass.DEEP_ARCHIVE))
    return ways


def _joined(cohort: Cohort) -> Cohort:
    objects = min(cohort.objects, max(1.0, cohort.bytes_stored / _JOINED_BYTES))
    return Cohort(cohort.age_days, objects, cohort.bytes_stored, cohort.storage_class)


def _joined_flow(flows: Sequence[Flow]) -> Flow:
    objects = sum(flow.objects_per_day for flow in flows)
    stored = sum(flow.bytes_per_day for flow in flows)
    return Flow(min(objects, stored / _JOINED_BYTES), stored)


def _yaml(steps: Steps) -> str:
    said = (
        f"{{after: {step.after.days}d, " + ("expire: true}" if step.expire else f"to: {step.to}}}")
        for step in steps
    )
    return f"[{', '.join(said)}]"


def _suggestions(scenarios: Sequence[Scenario], currency: str) -> Iterator[str]:
    for zone in TIERED_ZONES:
        ways = [scenario for scenario in scenarios if scenario.zone is zone]
        declared = next(scenario for scenario in ways if scenario.name == DECLARED)
        best = min(ways, key=lambda scenario: scenario.total)
        saved = declared.total - best.total
        if declared.total and saved / declared.total >= _WORTH_SAYING:
            yield (
                f"{_advice(best)} saves {saved:,.2f} of {declared.total:,.2f} {currency} "
                f"in {len(best.months)} months"
            )


def _advice(best: Scenario) -> str:
    if best.name == JOINED:
        return f"raw: larger objects (Firehose's buffering hints; S3 moves none below {_kib()})"
    return f"lifecycle.{best.zone}: {best.steps}"


def _kib() -> str:
    return f"{SMALLEST_MOVED_BYTES >> 10} KB"
