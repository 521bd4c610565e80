"""All that the pages of one lake show, each part held for as long as it may be old."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from firelake.cost import DatasetCost, estimate, load_prices, measure
from firelake.insight import flows, gates
from firelake.insight.daily import DailyFold
from firelake.insight.flows import Flows, PeriodFlow
from firelake.insight.gates import GateRun, Gates, RuleOutcome, days_before, recent_outcomes
from firelake.insight.held import Held, Patience, Shelf
from firelake.insight.holdings import Holding, Holdings
from firelake.insight.intake import Intake, intake
from firelake.insight.overview import LakeState, Overview
from firelake.insight.run import RunDetail, RunReader, refused_of, runs_of_origin
from firelake.insight.subject import Declared
from firelake.insight.table import TableDetail, table_detail
from firelake.insight.tiers import Tiers, list_tiers
from firelake.layout import Lake, Zone
from firelake.quality.report import QuarantinedRecord
from firelake.spec import Dataset
from firelake.storage import Bucket

WINDOW_DAYS = 60
HISTORY_DAYS = 14
# What pages show is never older; a listing of the buckets may be.
LONGEST_S = 60.0
_SOON = Patience(fresh_s=10, stale_s=LONGEST_S)
# A listing of all buckets costs money and says little new within the hour.
_SELDOM = Patience(fresh_s=900, stale_s=7200)
_READERS = 8


@dataclass(frozen=True)
class _FlowsByDay:
    flows: Flows
    days: dict[str, list[PeriodFlow]]

    @classmethod
    def of(cls, flows: Flows) -> _FlowsByDay:
        return cls(flows, flows.by_day())


@dataclass(frozen=True)
class _GatesLatest:
    gates: Gates
    latest: dict[str, GateRun]

    @classmethod
    def of(cls, gates: Gates) -> _GatesLatest:
        return cls(gates, gates.latest())


class Reading:
    """One lake, read for its pages. Any number of threads may ask, but none of the own pool's.

    Parameters
    ----------
    declared
        Says what is declared now; quick, and for any thread.
    """

    def __init__(
        self,
        lake: Lake,
        declared: Callable[[], Declared],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.lake = lake
        self.declared = declared
        self._clock = clock
        pool = ThreadPoolExecutor(_READERS, thread_name_prefix="lake")
        flow_fold = DailyFold(lake, flows.FOLD, WINDOW_DAYS, clock)
        gate_fold = DailyFold(lake, gates.FOLD, WINDOW_DAYS, clock)
        zones = [Holdings(lake, zone) for zone in (Zone.TRUSTED, Zone.SUMMARY)]
        self._flows = Held(lambda: _FlowsByDay.of(Flows(flow_fold.read())), pool, _SOON)
        self._gates = Held(lambda: _GatesLatest.of(Gates(gate_fold.read())), pool, _SOON)
        self._holdings = Held(lambda: _all_holdings(zones, declared()), pool, _SOON)
        self._tiers = Held(lambda: list_tiers(lake, declared().datasets, clock), pool, _SELDOM)
        self._details = Shelf(self._read_detail, pool, _SOON)
        self._intakes = Shelf(self._read_intake, pool, _SOON)
        self._runs = Shelf(RunReader.read, pool, _SOON)
        self._outcomes = Shelf(self._read_outcomes, pool, _SOON)
        self._costs = Shelf(self._read_cost, pool, _SELDOM)

    @property
    def now(self) -> datetime:
        """The time it is."""
        return self._clock()

    def overview(self, names: Collection[str]) -> Overview:
        """Return how the named tables stand."""
        for part in (self._flows, self._gates, self._holdings):
            part.peek()
        state = LakeState(
            holdings=self._holdings.get(),
            gates=self._gates.get().latest,
            days=self._flows.get().days,
            tiers=self._tiers.peek(),
        )
        now, subjects = self.now, self.declared().subjects
        currency = state.tiers.currency if state.tiers else ""
        return Overview.of((state.line(subjects[name], now) for name in names), currency)

    def flows(self, dataset: str) -> Flows:
        """Return where a dataset's records of the last :data:`WINDOW_DAYS` days went."""
        return self._flows.get().flows.of(dataset)

    def gates(self, table: str) -> list[GateRun]:
        """Return what the gate said of a table's runs in these days, the latest first."""
        return self._gates.get().gates.of(table)

    def detail(self, table: str) -> TableDetail:
        """Return one table in all detail."""
        return self._details.get(table)

    def intake(self, dataset: str) -> Intake:
        """Return what arrived lately, and what of it no run has taken in."""
        return self._intakes.get(dataset)

    def outcomes(self, table: str) -> list[RuleOutcome]:
        """Return what the checks of a table found in the last :data:`HISTORY_DAYS` days."""
        return self._outcomes.get(table)

    def tiers(self) -> Tiers:
        """Return what lies in the buckets, by storage class."""
        return self._tiers.get()

    def cost(self, dataset: str) -> DatasetCost | None:
        """Return what a dataset costs a month; None while that is being counted."""
        return self._costs.peek(dataset)

    def run(self, table: str, run_id: str) -> RunDetail | None:
        """Return one run; None if nothing is known of it."""
        subject = self.declared().subjects[table]
        taken_in = [] if subject.dataset is None else self.flows(table).runs()
        flow = next((run for run in taken_in if run.run_id == run_id), None)
        gate = next((run for run in self.gates(table) if run.run_id == run_id), None)
        published = run_id in self.detail(table).run_ids
        return self._runs.get(RunReader(self.lake, subject, table, run_id, flow, gate, published))

    def runs_of_origin(self, table: str, origin: str) -> list[str]:
        """Return the runs that one origin started, the latest first."""
        known = (run.run_id for run in self.gates(table))
        return runs_of_origin(self.lake, table, origin, known)

    def refused(self, dataset: Dataset, run_id: str, reason: str | None) -> list[QuarantinedRecord]:
        """Return some of the records that a run refused."""
        return refused_of(self.lake, dataset, run_id, reason)

    def report(self, key: str) -> bytes:
        """Return a quality report."""
        return Bucket(self.lake.bucket(Zone.OPS)).read(key)

    def _read_detail(self, name: str) -> TableDetail:
        return table_detail(self.lake, self.declared().subjects[name])

    def _read_intake(self, name: str) -> Intake:
        return intake(self.lake, self._dataset(name), self.now)

    def _read_cost(self, name: str) -> DatasetCost:
        dataset = self._dataset(name)
        return estimate(dataset, measure(self.lake, dataset, self.now), load_prices())

    def _dataset(self, name: str) -> Dataset:
        dataset = self.declared().subjects[name].dataset
        if dataset is None:
            raise KeyError(name)
        return dataset

    def _read_outcomes(self, table: str) -> list[RuleOutcome]:
        return recent_outcomes(self.lake, table, days_before(self.now, HISTORY_DAYS))


def _all_holdings(zones: Iterable[Holdings], declared: Declared) -> dict[str, Holding]:
    declarations = [subject.declaration for subject in declared.subjects.values()]
    return {name: found for zone in zones for name, found in zone.read(declarations).items()}
