"""Going back to an earlier snapshot: readers see its rows, and the ledger says what became of the rest.

A rollback is a commit of its own, so that history only grows. Objects that runs behind the snapshot
had taken in are *held*: no later run sweeps them up by itself, :mod:`firelake.reconcile` names them, and
running their arrival periods takes them in again. Nothing in raw is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from firelake import iceberg
from firelake.books import Books
from firelake.errors import CommitConflict, FirelakeError
from firelake.layout import Lake
from firelake.ledger import Ledger
from firelake.outcome import Outcome
from firelake.quarantine_rows import QuarantineRewrite, Wanted
from firelake.runs import new_run_id
from firelake.spec import Dataset, find_dataset
from firelake.tables import trusted
from firelake.verify import verify_rows

_TRIES = 5


class SnapshotInfo(Outcome):
    """One snapshot that can be gone back to.

    Parameters
    ----------
    run_id
        What made it; empty if another tool did.
    objects_taken_back
        Raw objects that would be held or stand again as they did then.
    """

    snapshot_id: int
    committed_at: datetime
    run_id: str
    rows: int
    objects_taken_back: int


class RollbackPlan(Outcome):
    """What going back to a snapshot does.

    Parameters
    ----------
    sequence_number
        The snapshot's place in the table's history.
    rows
        Rows of each event partition that changes, as they will be.
    rows_before
        The same, as they are now.
    held
        Raw objects whose records all go.
    reinstated
        Raw objects that stand again as an earlier run had left them.
    periods
        The arrival periods of both; running them takes their objects in again.
    """

    dataset: str
    snapshot_id: int
    sequence_number: int
    rows: dict[str, int]
    rows_before: dict[str, int]
    held: tuple[str, ...]
    reinstated: tuple[str, ...]
    periods: tuple[str, ...]

    def __str__(self) -> str:
        """Return it in a few lines."""
        changes = ", ".join(f"{p}: {self.rows_before[p]:,} → {self.rows[p]:,}" for p in sorted(self.rows))
        return (
            f"{self.dataset} to snapshot {self.snapshot_id}\n"
            f"rows by event partition: {changes or 'unchanged'}\n"
            f"{len(self.held):,} raw objects held, {len(self.reinstated):,} as an earlier run had left them; "
            f"arrival periods to run again: {', '.join(self.periods) or 'none'}"
        )


class RolledBack(Outcome):
    """A rollback that readers see.

    Parameters
    ----------
    snapshot_id
        The snapshot that the rollback made.
    """

    plan: RollbackPlan
    run_id: str
    snapshot_id: int


@dataclass(frozen=True)
class Rollback:
    """The rollbacks of one dataset."""

    lake: Lake
    dataset: Dataset

    def snapshots(self) -> tuple[SnapshotInfo, ...]:
        """List the snapshots that can be gone back to, newest first; the current one is none of them."""
        entries = self._entries()
        table = trusted(self.dataset).load(self.lake)
        return tuple(
            _info(snapshot, entries)
            for snapshot in sorted(table.metadata.snapshots, key=_sequence_number, reverse=True)
            if snapshot.snapshot_id != table.metadata.current_snapshot_id
        )

    def plan(self, snapshot_id: int) -> RollbackPlan:
        """Say what going back would do.

        Raises
        ------
        FirelakeError
            If there is no such snapshot.
        """
        entries = self._entries()
        return self._plan(trusted(self.dataset).load(self.lake), snapshot_id, entries)

    def run(self, snapshot_id: int, origin: str) -> RolledBack:
        """Go back: quarantine first, then the rows, then the ledger. Doing it again changes nothing more.

        Parameters
        ----------
        origin
            What started it; the id of the rollback begins with it.

        Raises
        ------
        FirelakeError
            If there is no such snapshot, or what was in quarantine then is no longer kept.
        CommitConflict
            If runs kept publishing meanwhile.
        """
        run_id = new_run_id(f"rollback-{origin}")
        for _ in range(_TRIES):
            entries = self._entries()
            table = trusted(self.dataset).load(self.lake)
            plan = self._plan(table, snapshot_id, entries)
            then = _books_until(entries, plan.sequence_number)
            changed = (*plan.held, *plan.reinstated)
            QuarantineRewrite(self.lake, self.dataset, run_id).restore(
                {key: _wanted(then, key) for key in changed}, _arrivals(entries, changed)
            )
            target = _snapshot(table, snapshot_id)
            properties = {
                iceberg.COMMIT_PROPERTY: run_id,
                iceberg.ROLLBACK_PROPERTY: str(plan.sequence_number),
            }
            try:
                made = iceberg.restore(table, target, properties)
            except iceberg.StaleBase:
                continue
            Ledger(self.lake, self.dataset).catch_up()
            return RolledBack(plan=plan, run_id=run_id, snapshot_id=made.snapshot_id)
        raise CommitConflict(
            f"{self.dataset.name}: runs kept publishing; pause its pipeline and roll back again"
        )

    def _entries(self) -> list[dict[str, Any]]:
        ledger = Ledger(self.lake, self.dataset)
        ledger.catch_up()
        entries: list[dict[str, Any]] = ledger.all().to_pylist()
        return entries

    def _plan(self, table: Table, snapshot_id: int, entries: list[dict[str, Any]]) -> RollbackPlan:
        target = _snapshot(table, snapshot_id)
        sequence_number = _sequence_number(target)
        changed = _touched_after(entries, sequence_number)
        then = _books_until(entries, sequence_number)
        after, before = self._rows(table, target), self._rows(table, table.current_snapshot())
        partitions = {key for key in after.keys() | before.keys() if after[key] != before[key]}
        stands = {key for key, book in then.by_object.items() if not book.held}
        return RollbackPlan(
            dataset=self.dataset.name,
            snapshot_id=snapshot_id,
            sequence_number=sequence_number,
            rows={key: sum(after[key].values()) for key in partitions},
            rows_before={key: sum(before[key].values()) for key in partitions},
            held=tuple(sorted(changed - stands)),
            reinstated=tuple(sorted(changed & stands)),
            periods=tuple(
                sorted({entry["arrival_period"] for entry in entries if entry["raw_object"] in changed})
            ),
        )

    def _rows(self, table: Table, snapshot: Snapshot | None) -> _PartitionFiles:
        """Return the rows of each file of each event partition."""
        files = _PartitionFiles()
        if snapshot is not None:
            for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files():
                partition = iceberg.partition_of(task.file, self.dataset.partition_by).key
                files[partition][task.file.file_path] = task.file.record_count
        return files


class _PartitionFiles(dict[str, Counter[str]]):
    def __missing__(self, partition: str) -> Counter[str]:
        self[partition] = Counter()
        return self[partition]


def _info(snapshot: Snapshot, entries: list[dict[str, Any]]) -> SnapshotInfo:
    properties = snapshot.summary.additional_properties if snapshot.summary else {}
    return SnapshotInfo(
        snapshot_id=snapshot.snapshot_id,
        committed_at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        run_id=properties.get(iceberg.COMMIT_PROPERTY, ""),
        rows=int(properties.get("total-records", 0)),
        objects_taken_back=len(_touched_after(entries, _sequence_number(snapshot))),
    )


def _snapshot(table: Table, snapshot_id: int) -> Snapshot:
    found = table.snapshot_by_id(snapshot_id)
    if found is None:
        known = ", ".join(str(snapshot.snapshot_id) for snapshot in table.metadata.snapshots)
        raise FirelakeError(
            f"{'.'.join(table.name())}: there is no snapshot {snapshot_id}; known are: {known}"
        )
    return found


def _sequence_number(snapshot: Snapshot) -> int:
    return snapshot.sequence_number or 0


def _touched_after(entries: Iterable[dict[str, Any]], sequence_number: int) -> set[str]:
    """Return the objects of which anything was written down after a commit."""
    return {
        entry["raw_object"]
        for entry in entries
        if entry["raw_object"] is not None and entry["sequence_number"] > sequence_number
    }


def _books_until(entries: Iterable[dict[str, Any]], sequence_number: int) -> Books:
    return Books.of(entry for entry in entries if entry["sequence_number"] <= sequence_number)


def _wanted(then: Books, key: str) -> Wanted:
    book = then.by_object.get(key)
    return Wanted("", 0) if book is None else Wanted(book.run_id, book.totals.quarantined)


def _arrivals(entries: Iterable[dict[str, Any]], objects: Iterable[str]) -> set[datetime]:
    wanted = set(objects)
    return {entry["arrived_at"].replace(tzinfo=UTC) for entry in entries if entry["raw_object"] in wanted}


def snapshots_by_name(dataset: str) -> tuple[SnapshotInfo, ...]:
    """List the snapshots that the dataset called so can go back to."""
    return Rollback(Lake.from_environment(), find_dataset(dataset)).snapshots()


def plan_by_name(dataset: str, snapshot_id: int) -> RollbackPlan:
    """Say what going back would do to the dataset called so."""
    return Rollback(Lake.from_environment(), find_dataset(dataset)).plan(snapshot_id)


def roll_back_by_name(dataset: str, snapshot_id: int, origin: str) -> dict[str, Any]:
    """Let the dataset called so go back, and check that Athena sees it.

    Returns
    -------
    dict
        :class:`RolledBack` as JSON, and ``rows`` by event partition, for whoever is told of the change.

    Raises
    ------
    VerificationFailed
        If Athena sees anything else than the earlier snapshot's rows.
    """
    lake, found = Lake.from_environment(), find_dataset(dataset)
    done = Rollback(lake, found).run(snapshot_id, origin)
    verify_rows(lake, trusted(found), done.snapshot_id, done.plan.rows)
    return {**done.model_dump(mode="json"), "rows": done.plan.rows}
