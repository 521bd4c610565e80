"""What a command line selects: the pipeline and the periods."""

from __future__ import annotations

import argparse

from firelake.errors import UsageError
from firelake.layout import Lake
from firelake.periods import Grain, PeriodRange
from firelake.pipeline import Pipeline
from firelake.spec import Dataset, find_dataset, load_dataset


def dataset_of(options: argparse.Namespace) -> Dataset:
    """Return the dataset that is named, or that the file declares.

    Raises
    ------
    UsageError
        If neither or both are given.
    """
    if (options.dataset is None) == (options.spec is None):
        raise UsageError("name a dataset, or give its file with --spec")
    return find_dataset(options.dataset) if options.dataset is not None else load_dataset(options.spec)


def pipeline_of(options: argparse.Namespace) -> Pipeline:
    """Return the pipeline of the selected dataset."""
    return Pipeline(Lake.from_environment(), dataset_of(options))


def periods_of(options: argparse.Namespace, grain: Grain) -> PeriodRange:
    """Return the periods given as ``--period``, or as ``--since`` and ``--until``.

    Raises
    ------
    UsageError
        If both ways are used, or neither in full.
    """
    period = getattr(options, "period", None)
    if period is not None and options.since is None and options.until is None:
        return PeriodRange.parse(period, grain)
    if period is None and options.since is not None and options.until is not None:
        return PeriodRange.parse(f"{options.since}/{options.until}", grain)
    raise UsageError("say which periods: --period P, or --since P --until P")


def perhaps_periods_of(options: argparse.Namespace, grain: Grain) -> PeriodRange | None:
    """Return the periods if any are given."""
    return None if options.since is None and options.until is None else periods_of(options, grain)
