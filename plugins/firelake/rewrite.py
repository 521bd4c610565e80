"""Writing some partitions of a table anew, in one commit, without a run of the pipeline."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from firelake import iceberg
from firelake.compact.scratch import Limits, scratch
from firelake.compact.staging import Partitions, Writer
from firelake.errors import CommitConflict
from firelake.layout import Lake
from firelake.outcome import TableStage
from firelake.periods import Period
from firelake.runs import new_run_id
from firelake.sql import identifier
from firelake.tables import TableDeclaration

_TRIES = 5

Change = Callable[[duckdb.DuckDBPyConnection, str], str]


@dataclass(frozen=True)
class Rewrite:
    """A rewrite of one table.

    Parameters
    ----------
    origin
        What asks for it; the ids of the commits begin with it.
    file_bytes
        Larger partitions are split into files of about this size.
    sort_by
        Order of rows inside each partition.
    """

    lake: Lake
    declaration: TableDeclaration
    origin: str
    file_bytes: int
    sort_by: tuple[str, ...]

    def run(self, periods: Iterable[Period], change: Change) -> TableStage:
        """Replace the rows of some partitions.

        Parameters
        ----------
        change
            Returns SQL for the new rows from an engine and SQL for the present ones.

        Raises
        ------
        CommitConflict
            If runs kept publishing meanwhile.
        """
        periods = tuple(periods)
        for _ in range(_TRIES):
            try:
                return self._commit(periods, change)
            except iceberg.StaleBase:
                continue
        declared = self.declaration
        raise CommitConflict(f"{declared.zone}.{declared.name}: runs kept publishing; try again")

    def _commit(self, periods: Iterable[Period], change: Change) -> TableStage:
        run_id = new_run_id(self.origin)
        with scratch(Limits()) as space, tempfile.TemporaryDirectory(prefix="firelake-rewrite-") as name:
            partitions = Partitions.of(self.lake, self.declaration, periods)
            paths = partitions.download(Path(name))
            rows = partitions.rows(paths) if paths else self._nothing(space.connection, partitions)
            new = change(space.connection, rows)
            writer = Writer(space.connection, self.lake, run_id, space.directory / "new", self.file_bytes)
            stage = writer.write(partitions, new, self.sort_by)
            iceberg.replace_partitions(
                partitions.table,
                stage,
                self.declaration.partition_column,
                self.declaration.grain,
                {iceberg.COMMIT_PROPERTY: run_id},
            )
        return stage

    def _nothing(self, connection: duckdb.DuckDBPyConnection, partitions: Partitions) -> str:
        connection.register("nothing", partitions.table.schema().as_arrow().empty_table())
        return identifier("nothing")
