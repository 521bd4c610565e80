"""How all datasets stand, in a line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from firelake.insight.flows import Counts, PeriodFlow
from firelake.insight.gates import GateRun
from firelake.insight.holdings import Holding
from firelake.insight.subject import Subject
from firelake.insight.tiers import Tiers


@dataclass(frozen=True)
class SubjectLine:
    """How one table stands.

    Parameters
    ----------
    holding
        None if the table does not exist yet.
    age
        How long ago its newest record was; None if it has none.
    stale
        Whether it breaks its promise of freshness; a table without rows is no older than none.
    days, counts
        What arrived, day by day, the oldest first; and where the records of all these days went.
    bytes_stored, per_month
        Size of all its objects in all zones, and what storing them costs a month; None while they are
        not listed yet.
    """

    subject: Subject
    holding: Holding | None
    age: timedelta | None
    stale: bool
    gate: GateRun | None
    days: tuple[PeriodFlow, ...]
    counts: Counts
    bytes_stored: int | None
    per_month: float | None

    @property
    def blocked(self) -> bool:
        """Whether its last run could not be published."""
        return self.gate is not None and not self.gate.passed

    @property
    def order(self) -> tuple[bool, bool, bool, str]:
        """What needs somebody comes first, what is empty last."""
        return not self.blocked, not self.stale, self.age is None, self.subject.name


@dataclass(frozen=True)
class Overview:
    """How the lake stands.

    Parameters
    ----------
    currency
        That of the costs; empty while there are none.
    """

    datasets: tuple[SubjectLine, ...]
    summaries: tuple[SubjectLine, ...]
    currency: str

    @classmethod
    def of(cls, lines: Iterable[SubjectLine], currency: str) -> Overview:
        """Order lines: what needs somebody first."""
        found = sorted(lines, key=lambda line: line.order)
        return cls(
            tuple(line for line in found if line.subject.dataset is not None),
            tuple(line for line in found if line.subject.dataset is None),
            currency,
        )

    @property
    def rows(self) -> int:
        """Trusted rows of all datasets."""
        return sum(line.holding.rows for line in self.datasets if line.holding)

    @property
    def stale(self) -> int:
        """How many datasets break their promise."""
        return sum(line.stale for line in self.datasets)

    @property
    def empty(self) -> int:
        """How many datasets have no rows."""
        return sum(line.age is None for line in self.datasets)

    @property
    def blocked(self) -> int:
        """How many datasets' last runs could not be published."""
        return sum(line.blocked for line in self.datasets)

    @property
    def counts(self) -> Counts:
        """Where the records of all datasets went."""
        return Counts.sum_of(line.counts for line in self.datasets)

    @property
    def bytes_stored(self) -> int | None:
        """Size of all objects; None while they are not listed yet."""
        sizes = [line.bytes_stored for line in self.datasets if line.bytes_stored is not None]
        return sum(sizes) if sizes else None

    @property
    def per_month(self) -> float | None:
        """What storing them costs a month; None while they are not listed yet."""
        costs = [line.per_month for line in self.datasets if line.per_month is not None]
        return sum(costs) if costs else None


@dataclass(frozen=True)
class LakeState:
    """What lines are made of.

    Parameters
    ----------
    tiers
        None while the buckets are not listed yet.
    """

    holdings: dict[str, Holding]
    gates: dict[str, GateRun]
    days: dict[str, list[PeriodFlow]]
    tiers: Tiers | None

    def line(self, subject: Subject, now: datetime) -> SubjectLine:
        """Say how one table stands."""
        holding = self.holdings.get(subject.name)
        newest = holding.newest if holding else None
        age = None if newest is None else max(now - newest, timedelta())
        promise = subject.dataset.freshness if subject.dataset else None
        days = self.days.get(subject.name, [])
        return SubjectLine(
            subject=subject,
            holding=holding,
            age=age,
            stale=promise is not None and age is not None and age > promise,
            gate=self.gates.get(subject.name),
            days=tuple(days),
            counts=Counts.sum_of(day.counts for day in days),
            bytes_stored=self.tiers.bytes_of(subject.name) if self.tiers else None,
            per_month=self.tiers.per_month_of(subject.name) if self.tiers else None,
        )
