"""Proposing a suite for a dataset from what it has published lately."""

from __future__ import annotations

import tempfile
from pathlib import Path

from firelake import iceberg
from firelake.errors import FirelakeError
from firelake.layout import Lake
from firelake.outcome import Outcome
from firelake.periods import PeriodRange
from firelake.spec import Dataset
from firelake.storage import download_all
from firelake.tables import trusted

_LATEST = 7


class Proposal(Outcome):
    """A suite to start a review from.

    Parameters
    ----------
    partitions
        The event partitions whose rows it was derived from.
    """

    dataset: str
    partitions: tuple[str, ...]
    suite: str


def propose_suite(lake: Lake, dataset: Dataset, events: PeriodRange | None = None) -> Proposal:
    """Profile published rows and propose a suite with bounds and reasons.

    Parameters
    ----------
    events
        The event partitions to look at; None for the latest.

    Raises
    ------
    FirelakeError
        If nothing is published there.
    """
    # SQLAlchemy and DuckDB load when something is profiled.
    from firelake.quality.suggest import profile, suggest_suite

    declaration = trusted(dataset)
    files: dict[str, list[str]] = {}
    for task in declaration.load(lake).scan().plan_files():
        period = iceberg.partition_of(task.file, declaration.grain)
        if events is None or events.start <= period.start < events.end:
            files.setdefault(period.key, []).append(task.file.file_path)
    chosen = sorted(files)[-_LATEST:] if events is None else sorted(files)
    if not chosen:
        raise FirelakeError(f"{dataset.name}: nothing is published {f'in {events}' if events else 'yet'}")
    columns = {column.name: column.type for column in dataset.columns}
    pii = frozenset(column.name for column in dataset.columns if column.pii)
    with tempfile.TemporaryDirectory(prefix="firelake-suggest-") as directory:
        paths = download_all(dict.fromkeys(file for key in chosen for file in files[key]), Path(directory))
        profiles = profile(list(paths.values()), columns, pii)
    return Proposal(
        dataset=dataset.name, partitions=tuple(chosen), suite=suggest_suite(dataset.name, profiles)
    )
