"""Tables that are only added to, folded day by day: what has not changed is not read again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue, GreaterThanOrEqual
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.table import FileScanTask, Table

from firelake import aws, iceberg
from firelake.layout import Lake
from firelake.periods import Period
from firelake.tables import TableDeclaration

_CONCURRENCY = 8


@dataclass(frozen=True)
class Fold:
    """What is kept of the rows of one day.

    Parameters
    ----------
    columns
        What is read of each row.
    sql
        Reads the view ``entries``, and says what is kept.
    """

    declaration: TableDeclaration
    columns: tuple[str, ...]
    sql: str

    def apply(self, entries: pa.Table) -> pa.Table:
        """Fold the rows of one day."""
        with duckdb.connect(config={"threads": "1"}) as connection:
            connection.register("entries", entries)
            return connection.sql(self.sql).to_arrow_table()


@dataclass(frozen=True)
class _Day:
    files: frozenset[str]
    folded: pa.Table


class DailyFold:
    """The recent days of a table, folded.

    Not for several threads at once.

    Parameters
    ----------
    days
        How far back it reaches.
    """

    def __init__(
        self, lake: Lake, fold: Fold, days: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._lake = lake
        self._fold = fold
        self._span = timedelta(days=days)
        self._clock = clock
        self._days: dict[Period, _Day] = {}

    def read(self) -> pa.Table:
        """Return what is kept of the days, reading those whose files are others than before.

        Raises
        ------
        LakeUnreachable
            If the lake does not answer, or lacks the table.
        """
        table = self._fold.declaration.load(self._lake)
        with aws.reaching(f"table {'.'.join(table.name())}"):
            tasks = self._tasks(table)
            changed = [day for day, found in tasks.items() if self._files(day) != _paths(found)]
            with ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="fold") as pool:
                folded = pool.map(lambda day: self._read(table, tasks[day]), changed)
                fresh = dict(zip(changed, folded, strict=True))
        self._days = {day: fresh[day] if day in fresh else self._days[day] for day in sorted(tasks)}
        kept = [day.folded for day in self._days.values()]
        return pa.concat_tables(kept) if kept else self._fold.apply(self._empty(table))

    def _tasks(self, table: Table) -> dict[Period, list[FileScanTask]]:
        since = (self._clock() - self._span).replace(tzinfo=None).isoformat()
        column, grain = self._fold.declaration.partition_column, self._fold.declaration.grain
        tasks: dict[Period, list[FileScanTask]] = {}
        for task in table.scan(row_filter=GreaterThanOrEqual(term=column, value=since)).plan_files():
            tasks.setdefault(iceberg.partition_of(task.file, grain), []).append(task)
        return tasks

    def _files(self, day: Period) -> frozenset[str]:
        return self._days[day].files if day in self._days else frozenset()

    def _read(self, table: Table, tasks: list[FileScanTask]) -> _Day:
        scan = ArrowScan(table.metadata, table.io, table.schema().select(*self._fold.columns), AlwaysTrue())
        return _Day(_paths(tasks), self._fold.apply(scan.to_table(tasks)))

    def _empty(self, table: Table) -> pa.Table:
        return table.schema().select(*self._fold.columns).as_arrow().empty_table()


def _paths(tasks: list[FileScanTask]) -> frozenset[str]:
    return frozenset(task.file.file_path for task in tasks)
