"""Changing what lies in quarantine without a run: for what a rollback or an erasure takes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
from pyiceberg.expressions import In
from pyiceberg.table import Table

from firelake.errors import FirelakeError
from firelake.layout import Lake
from firelake.periods import Grain, Period
from firelake.rewrite import Rewrite
from firelake.spec import Dataset
from firelake.spec.dataset import RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.sql import identifier
from firelake.tables import quarantine


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

        def change(connection: duckdb.DuckDBPyConnection, rows: str) -> str:
            connection.register("rewritten", keys)
            connection.register("kept", kept)
            column = identifier(RAW_OBJECT_COLUMN)
            return (
                f"SELECT * FROM {rows} WHERE {column} NOT IN (SELECT key FROM rewritten) "  # noqa: S608 (quoted)
                "UNION ALL BY NAME SELECT * FROM kept"
            )

        days = {Period.containing(arrived_at, Grain.DAY) for arrived_at in arrivals}
        quarantine_rewrite(self.lake, self.dataset, self.origin).run(days, change)


def quarantine_rewrite(lake: Lake, dataset: Dataset, origin: str) -> Rewrite:
    """Return the rewrite of a dataset's quarantine."""
    order = (RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN)
    return Rewrite(lake, quarantine(dataset), origin, dataset.target_file_bytes, order)


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
