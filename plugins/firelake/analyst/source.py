"""The tables that analysts read, by name, and their rows between two days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyiceberg.table import Table

from firelake import iceberg
from firelake.errors import UsageError
from firelake.layout import Lake
from firelake.periods import Period, PeriodRange
from firelake.spec import load_datasets
from firelake.spec.types import Primitive
from firelake.summary.spec import load_summaries
from firelake.tables import TableDeclaration, summary, trusted


@dataclass(frozen=True)
class Source:
    """One trusted or summary table as it was when it was opened.

    Parameters
    ----------
    declaration
        What the table is declared to be.
    table
        It, at one snapshot: what is published later is not seen.
    """

    declaration: TableDeclaration
    table: Table

    @classmethod
    def open(cls, lake: Lake, declaration: TableDeclaration) -> Source:
        """Open a table as it is now.

        Raises
        ------
        LakeUnreachable
            If the lake does not answer, or lacks the table.
        """
        return cls(declaration, declaration.load(lake))

    @property
    def name(self) -> str:
        """The table with its zone, as ``trusted.menu_clicks``."""
        return f"{self.declaration.zone}.{self.declaration.name}"

    @property
    def snapshot_id(self) -> int | None:
        """What it is read at."""
        snapshot = self.table.current_snapshot()
        return None if snapshot is None else snapshot.snapshot_id

    def partitions(self, wanted: PeriodRange | None) -> list[Period]:
        """Return the event partitions that hold rows, oldest first.

        Parameters
        ----------
        wanted
            Only those that lie in this range.
        """
        found = {
            iceberg.partition_of(task.file, self.declaration.grain) for task in self.table.scan().plan_files()
        }
        return sorted(
            period for period in found if wanted is None or wanted.start <= period.start < wanted.end
        )

    def rows(self, since: Period, until: Period) -> pa.Table:
        """Return the rows of the event partitions from ``since`` to ``until``, which is included."""
        column, start, end = self.declaration.partition_column, since.start, until.end
        kinds = {name: kind for name, kind, _ in self.declaration.columns}
        within = iceberg.within(column, start, end)
        if kinds[column] == Primitive("date"):
            first, behind = start.date().isoformat(), end.date().isoformat()
            within = And(GreaterThanOrEqual(term=column, value=first), LessThan(term=column, value=behind))
        return iceberg.rows(self.table.scan(row_filter=within))

    def by_partition(self, periods: list[Period]) -> Iterator[tuple[Period, pa.Table]]:
        """Yield the rows of some event partitions, one after the other."""
        for period in periods:
            yield period, self.rows(period, period)


def find_declaration(name: str) -> TableDeclaration:
    """Return the table that is called ``trusted.NAME``, ``summary.NAME``, or just ``NAME``.

    Raises
    ------
    UsageError
        If there is none.
    """
    declarations = [
        *(trusted(dataset) for dataset in load_datasets()),
        *(summary(found.table) for found in load_summaries()),
    ]
    known = {f"{one.zone}.{one.name}": one for one in declarations}
    short = {one.name: one for one in declarations}
    if name in known or name in short:
        return known.get(name) or short[name]
    raise UsageError(f"there is no table {name!r}; there are {', '.join(sorted(known))}")
