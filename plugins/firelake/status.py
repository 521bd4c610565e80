"""How a dataset stands: how fresh, how large, and what its last run was."""

from __future__ import annotations

from datetime import UTC, datetime

from pyiceberg.table import Table

from firelake import iceberg
from firelake.books import Totals
from firelake.layout import Lake
from firelake.outcome import Outcome
from firelake.reconcile import ledger_totals
from firelake.spec import Dataset
from firelake.tables import TableDeclaration, trusted


class Status(Outcome):
    """One dataset as readers see it now.

    Parameters
    ----------
    newest
        Time of the newest record; None if there is none.
    stale
        Whether the newest record is older than the spec allows.
    last_run, committed_at
        The run that published last, and when.
    totals
        Where all records went that ever came in.
    """

    dataset: str
    rows: int
    files: int
    bytes_parquet: int
    newest: datetime | None
    stale: bool
    last_run: str | None
    committed_at: datetime | None
    totals: Totals


def status(lake: Lake, dataset: Dataset, now: datetime | None = None) -> Status:
    """Say how a dataset stands.

    Raises
    ------
    LakeUnreachable
        If the lake does not answer, or lacks the dataset's table.
    """
    declaration = trusted(dataset)
    table = declaration.load(lake)
    newest = _newest(table, declaration)
    run, committed_at = _last_run(table)
    snapshot = table.current_snapshot()
    summary = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    age = None if newest is None else (now or datetime.now(UTC)) - newest
    return Status(
        dataset=dataset.name,
        rows=int(summary.get("total-records", 0)),
        files=int(summary.get("total-data-files", 0)),
        bytes_parquet=int(summary.get("total-files-size", 0)),
        newest=newest,
        stale=age is None or age > dataset.freshness,
        last_run=run,
        committed_at=committed_at,
        totals=ledger_totals(lake, dataset),
    )


def _newest(table: Table, declaration: TableDeclaration) -> datetime | None:
    periods = [
        iceberg.partition_of(task.file, declaration.grain)
        for task in table.scan(selected_fields=(declaration.partition_column,)).plan_files()
    ]
    if not periods:
        return None
    last = max(periods)
    within = iceberg.within(declaration.partition_column, last.start, last.end)
    times = table.scan(row_filter=within, selected_fields=(declaration.partition_column,)).to_arrow()
    newest: datetime = max(times.column(0).to_pylist())
    return newest.replace(tzinfo=UTC)


def _last_run(table: Table) -> tuple[str | None, datetime | None]:
    for snapshot in reversed(table.metadata.snapshots):
        properties = snapshot.summary.additional_properties if snapshot.summary else {}
        if iceberg.STAGE_PROPERTY in properties:
            at = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
            return properties[iceberg.COMMIT_PROPERTY], at
    return None, None
