"""How long refused records are kept, and taking older ones out of their table.

Not by a lifecycle rule: S3 would delete files that the table's snapshots still name.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from firelake import iceberg
from firelake.layout import Lake
from firelake.outcome import TableStage
from firelake.periods import Period
from firelake.runs import new_run_id
from firelake.spec import Dataset
from firelake.tables import quarantine


def refused_since(dataset: Dataset, now: datetime) -> datetime | None:
    """Return the arrival from which on a dataset's refused records are kept; None if all are."""
    age = _retention(dataset)
    return None if age is None else now - age


def outdated(lake: Lake, dataset: Dataset, now: datetime) -> list[Period]:
    """Return the partitions of a dataset's quarantine that are to be kept no longer."""
    since, declaration = refused_since(dataset, now), quarantine(dataset)
    if since is None:
        return []
    files = declaration.load(lake).scan().plan_files()
    partitions = {iceberg.partition_of(task.file, declaration.grain) for task in files}
    return sorted(period for period in partitions if period.end <= since)


def remove(lake: Lake, dataset: Dataset, partitions: list[Period]) -> bool:
    """Empty partitions of a dataset's quarantine, in one commit; False if a run changed one meanwhile.

    Their files go when the snapshots that name them do.
    """
    declaration = quarantine(dataset)
    table = declaration.load(lake)
    files = iceberg.partition_files(table, declaration.partition_column, partitions)
    nothing = TableStage(table=declaration.name, bases=iceberg.bases_of(files), files=())
    properties = {iceberg.COMMIT_PROPERTY: new_run_id("expire")}
    try:
        iceberg.replace_partitions(
            table, nothing, declaration.partition_column, declaration.grain, properties
        )
    except iceberg.StaleBase:
        return False
    return True


def _retention(dataset: Dataset) -> timedelta | None:
    return next((step.after for step in dataset.lifecycle.quarantine if step.expire), None)
