"""The ledger: which raw objects were processed, and where their records went.

It is written after the commit that it records. A run that dies in between leaves its entries to
the next one, which finds the stage named in the snapshot and writes them then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThanOrEqual
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from firelake import iceberg
from firelake.books import Books, Totals
from firelake.layout import Lake
from firelake.outcome import Stage
from firelake.periods import Period, PeriodRange
from firelake.spec import Dataset
from firelake.storage import read_object
from firelake.tables import LEDGER, trusted

# Commits of this many runs may be waiting for their entries.
_CATCH_UP = 50
_COUNTS = ("records_in", "trusted", "duplicates", "quarantined", "bytes_raw", "bytes_json")
_NOTHING = {"raw_object": None, **dict.fromkeys(_COUNTS, 0)}


class Ledger:
    """The entries of one dataset."""

    def __init__(self, lake: Lake, dataset: Dataset) -> None:
        self._lake = lake
        self._dataset = dataset
        self._table = LEDGER.load(lake)

    def processed(self, since: datetime, until: datetime) -> pa.Table:
        """Return the entries of what arrived from ``since`` to ``until``, by ``entry``.

        ``processed``: an object, where its records went; ``displaced``: rows that an earlier object's
        run lost to this one's; ``empty``: a period that had no objects when its run looked; ``held``:
        beside a ``processed`` of nothing, an object that a rollback took back.
        """
        scan = self._table.scan(
            row_filter=And(
                EqualTo(term="dataset", value=self._dataset.name),
                GreaterThanOrEqual(term="arrived_at", value=_naive(since)),
                LessThanOrEqual(term="arrived_at", value=_naive(until)),
            )
        )
        return iceberg.rows(scan)

    def all(self) -> pa.Table:
        """Return every entry."""
        return iceberg.rows(self._table.scan(row_filter=EqualTo(term="dataset", value=self._dataset.name)))

    def record(self, stage: Stage, sequence_number: int) -> None:
        """Write the entries of a run whose commit got a place in the trusted table's history."""
        shared = {
            "dataset": stage.dataset,
            "run_id": stage.run_id,
            "sequence_number": sequence_number,
            "event_partitions": ",".join(stage.trusted.partitions),
        }
        entries = [*self._processed(stage), *self._displaced(stage), *self._empty(stage)]
        iceberg.append(
            self._table, _arrow(self._table, [{**_NOTHING, **entry, **shared} for entry in entries])
        )

    def correct(self, totals: Mapping[str, Totals], sequence_number: int) -> None:
        """Write down what objects hold after an erasure; whose run's processing stands is left as it is."""
        entries = self.all().to_pylist()
        books = Books.of(entries).by_object
        known = {one["raw_object"]: one for one in entries if one["entry"] == "processed"}
        corrected = [
            {
                **known[key],
                **now.model_dump(),
                "run_id": books[key].run_id,
                "sequence_number": sequence_number,
            }
            for key, now in totals.items()
        ]
        iceberg.append(self._table, _arrow(self._table, corrected))

    def _processed(self, stage: Stage) -> list[dict[str, Any]]:
        return [
            {
                **outcome.model_dump(),
                "entry": "processed",
                "arrival_period": self._period_of(outcome.arrived_at).key,
            }
            for outcome in stage.objects
        ]

    def _displaced(self, stage: Stage) -> list[dict[str, Any]]:
        return [
            {
                "raw_object": raw_object,
                "entry": "displaced",
                "arrived_at": displaced.arrived_at,
                "arrival_period": self._period_of(displaced.arrived_at).key,
                "trusted": -displaced.rows,
                "duplicates": displaced.rows,
            }
            for raw_object, displaced in stage.displaced.items()
        ]

    def _empty(self, stage: Stage) -> list[dict[str, Any]]:
        """Note the periods in which nothing had arrived: what comes into them later is late."""
        found = {self._period_of(outcome.arrived_at) for outcome in stage.objects}
        run = PeriodRange.parse(stage.period, self._dataset.raw.arrival_period)
        return [
            {"entry": "empty", "arrived_at": period.start, "arrival_period": period.key}
            for period in run
            if period not in found
        ]

    def _period_of(self, arrived_at: datetime) -> Period:
        return Period.containing(arrived_at, self._dataset.raw.arrival_period)

    def catch_up(self) -> list[str]:
        """Write the entries of runs that died between their commit and their entries; return their ids."""
        table = trusted(self._dataset).load(self._lake)
        late: list[str] = []
        rolled_back: list[Snapshot] = []
        for snapshot in reversed(table.metadata.snapshots[-_CATCH_UP:]):
            properties = snapshot.summary.additional_properties if snapshot.summary else {}
            if iceberg.ROLLBACK_PROPERTY in properties:
                if self._knows(snapshot.sequence_number or 0):
                    break
                rolled_back.append(snapshot)
                continue
            if iceberg.STAGE_PROPERTY not in properties:
                continue
            stage = read_stage(properties[iceberg.STAGE_PROPERTY])
            if not stage.objects:
                continue
            if stage.run_id in self._runs(stage):
                break
            self.record(stage, snapshot.sequence_number or 0)
            late.append(stage.run_id)
        for snapshot in reversed(rolled_back):
            self._take_back(snapshot)
        return late

    def _knows(self, sequence_number: int) -> bool:
        """Tell whether anything was written down of a commit."""
        scan = self._table.scan(
            row_filter=And(
                EqualTo(term="dataset", value=self._dataset.name),
                EqualTo(term="sequence_number", value=sequence_number),
            ),
            limit=1,
        )
        return bool(scan.to_arrow().num_rows)

    def _take_back(self, rollback: Snapshot) -> None:
        """Write down how objects stand after a rollback: as they did then, or held if they did not yet."""
        properties = rollback.summary.additional_properties if rollback.summary else {}
        target = int(properties[iceberg.ROLLBACK_PROPERTY])
        run_id, sequence_number = properties[iceberg.COMMIT_PROPERTY], rollback.sequence_number or 0
        entries = [one for one in self.all().to_pylist() if one["sequence_number"] < sequence_number]
        then = Books.of(one for one in entries if one["sequence_number"] <= target).by_object
        changed = {one["raw_object"] for one in entries if one["sequence_number"] > target}
        # Sizes and event partitions are the same whichever run found them.
        known = {one["raw_object"]: one for one in entries if one["entry"] == "processed"}
        taken_back: list[dict[str, Any]] = []
        for key in changed & known.keys():
            now = {**known[key], "sequence_number": sequence_number}
            if key in then and not then[key].held:
                taken_back.append({**now, **then[key].totals.model_dump(), "run_id": then[key].run_id})
            else:
                nothing = {**now, **Totals().model_dump(), "run_id": run_id}
                taken_back += [nothing, {**nothing, "entry": "held"}]
        if taken_back:
            iceberg.append(self._table, _arrow(self._table, taken_back))

    def _runs(self, stage: Stage) -> set[str]:
        arrivals = [outcome.arrived_at for outcome in stage.objects]
        entries = self.processed(min(arrivals), max(arrivals))
        return set(entries["run_id"].to_pylist())


def sequence_number_of(table: Table) -> int:
    """Return the place of a table's current snapshot in its history; 0 before the first."""
    snapshot = table.current_snapshot()
    return (snapshot.sequence_number or 0) if snapshot is not None else 0


def read_stage(stage_uri: str) -> Stage:
    """Read what a run has staged.

    Raises
    ------
    LakeUnreachable
        If it cannot be read.
    """
    return Stage.model_validate_json(read_object(stage_uri))


def _naive(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat()


def _arrow(table: Table, rows: Iterable[dict[str, Any]]) -> pa.Table:
    schema = table.schema().as_arrow()
    naive = [{**row, "arrived_at": _without_zone(row["arrived_at"])} for row in rows]
    return pa.Table.from_pylist(naive, schema=schema)


def _without_zone(instant: datetime) -> datetime:
    """Return an instant as the ledger keeps it; one that comes from the ledger has no zone."""
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)
