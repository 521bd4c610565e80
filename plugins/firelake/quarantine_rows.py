"""Changing what lies in quarantine without a run: for what a rollback or an erasure takes back."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from pyiceberg.expressions import In
from pyiceberg.table import Table

from firelake import iceberg
from firelake.compact.scratch import Limits, scratch
from firelake.compact.staging import Partitions, Writer
from firelake.errors import CommitConflict, FirelakeError
from firelake.layout import Lake
from firelake.periods import Grain, Period
from firelake.runs import new_run_id
from firelake.spec import Dataset
from firelake.spec.dataset import RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.sql import identifier
from firelake.tables import quarantine

_TRIES = 5


@dataclass(frozen=True)
class Wanted:
    """What an object is to have in quarantine: the rows that one run had refused."""

    run_id: str
    rows: int


@dataclass(frozen=True)
class QuarantineRewrite:
    """Rewrites days of a dataset's quarantine.

    Parameters
    ----------
    origin
        What asks for it; the ids of the commits begin with it.
    """

    lake: Lake
    dataset: Dataset
    origin: str

    def restore(self, wanted: Mapping[str, Wanted], arrivals: Iterable[datetime]) -> None:
        """Give some objects the rows in quarantine that earlier runs had refused.

        Parameters
        ----------
        wanted
            By the object's key.
        arrivals
            When they arrived.

        Raises
        ------
        FirelakeError
            If an earlier run's rows are in no snapshot any more.
        """
        if not wanted:
            return
        table = quarantine(self.dataset).load(self.lake)
        kept = _refused_by(table, {key: want for key, want in wanted.items() if want.rows})
        self.replace(wanted.keys(), kept, arrivals)

    def replace(self, objects: Iterable[str], kept: pa.Table, arrivals: Iterable[datetime]) -> None:
        """Put rows in the place of all that some objects have in quarantine.

        Raises
        ------
        CommitConflict
            If runs kept publishing meanwhile.
        """
        keys = pa.table({"key": pa.array(sorted(objects), pa.string())})
        days = {Period.containing(arrived_at, Grain.DAY) for arrived_at in arrivals}
        for _ in range(_TRIES):
            try:
                return self._commit(days, keys, kept)
            except iceberg.StaleBase:
                continue
        raise CommitConflict(f"quarantine of {self.dataset.name}: runs kept publishing; try again")

    def _commit(self, days: set[Period], keys: pa.Table, kept: pa.Table) -> None:
        declaration = quarantine(self.dataset)
        run_id = new_run_id(self.origin)
        with scratch(Limits()) as space, tempfile.TemporaryDirectory(prefix="firelake-quarantine-") as name:
            partitions = Partitions.of(self.lake, declaration, days)
            space.connection.register("rewritten", keys)
            space.connection.register("kept", kept)
            rows = "SELECT * FROM kept"
            if paths := partitions.download(Path(name)):
                column = identifier(RAW_OBJECT_COLUMN)
                rows = (
                    f"SELECT * FROM {partitions.rows(paths)} WHERE {column} NOT IN "  # noqa: S608 (all quoted)
                    f"(SELECT key FROM rewritten) UNION ALL BY NAME {rows}"
                )
            writer = Writer(
                space.connection, self.lake, run_id, space.directory / "new", self.dataset.target_file_bytes
            )
            stage = writer.write(partitions, rows, [RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN])
            iceberg.replace_partitions(
                partitions.table,
                stage,
                declaration.partition_column,
                declaration.grain,
                {iceberg.COMMIT_PROPERTY: run_id},
            )


def _refused_by(table: Table, wanted: Mapping[str, Wanted]) -> pa.Table:
    """Return the rows of some objects that certain runs had refused, from whatever snapshot has them."""
    found = table.schema().as_arrow().empty_table()
    missing = dict(wanted)
    for snapshot in sorted(table.metadata.snapshots, key=lambda one: one.sequence_number or 0, reverse=True):
        if not missing:
            return found
        scan = table.scan(
            row_filter=In(term=RAW_OBJECT_COLUMN, literals=set(missing)), snapshot_id=snapshot.snapshot_id
        )
        rows = scan.to_arrow()
        places = zip(rows[RAW_OBJECT_COLUMN].to_pylist(), rows["run_id"].to_pylist(), strict=True)
        counts = Counter(places)
        here = {key for key, want in missing.items() if counts[key, want.run_id] == want.rows}
        mask = [
            key in here and run == missing[key].run_id
            for key, run in zip(rows[RAW_OBJECT_COLUMN].to_pylist(), rows["run_id"].to_pylist(), strict=True)
        ]
        found = pa.concat_tables([found, rows.filter(pa.array(mask, pa.bool_())).cast(found.schema)])
        missing = {key: want for key, want in missing.items() if key not in here}
    if missing:
        key, want = next(iter(missing.items()))
        raise FirelakeError(
            f"{'.'.join(table.name())}: what run {want.run_id} refused of {key} is in no snapshot any more; "
            "rebuild the days from raw instead of rolling back"
        )
    return found
