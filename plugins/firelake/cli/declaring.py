"""``validate`` and ``prepare``."""

from __future__ import annotations

import argparse

from firelake.catalog import prepare_lake
from firelake.check import check_project, check_spec
from firelake.cli.answer import FAILED, OK, Answer, count, progress
from firelake.layout import Lake
from firelake.spec import load_dataset, load_datasets
from firelake.summary.spec import load_summaries


def validate(options: argparse.Namespace) -> Answer:
    """Report every problem of what is declared."""
    checked = check_spec(options.spec) if options.spec else check_project()
    said = f"{count(len(checked.files), 'file')} checked, {count(len(checked.problems), 'problem')}"
    return Answer(
        checked.model_dump(mode="json"), (*checked.problems, said), FAILED if checked.problems else OK
    )


def prepare(options: argparse.Namespace) -> Answer:
    """Make whatever of the lake is missing."""
    lake = Lake.from_environment()
    datasets = [load_dataset(options.spec)] if options.spec else load_datasets()
    summaries = [] if options.spec else [summary.table for summary in load_summaries()]
    progress(f"{lake.name}: prepare")
    prepare_lake(lake, datasets, summaries)
    names = [dataset.name for dataset in datasets]
    outcome = {"lake": lake.name, "datasets": names, "summaries": [table.name for table in summaries]}
    return Answer(outcome, (f"{lake.name}: ready for {', '.join(names)}",))
