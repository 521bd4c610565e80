"""``report`` and ``export``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from firelake.analyst.export import MANIFEST, Export, Format
from firelake.analyst.report import Report
from firelake.analyst.source import Source, find_declaration
from firelake.cli.answer import Answer, count, progress, size, table
from firelake.cli.selected import dataset_of, perhaps_periods_of, periods_of
from firelake.errors import UsageError
from firelake.layout import Lake
from firelake.periods import Grain
from firelake.tables import trusted

_WRITERS: dict[str, Callable[[Report, Path], object]] = {
    ".html": lambda report, path: path.write_text(report.html(), encoding="utf-8"),
    ".csv": lambda report, path: report.frame.to_csv(path, index=False),
    ".parquet": lambda report, path: report.frame.to_parquet(path, index=False),
}


def report(options: argparse.Namespace) -> Answer:
    """Show a range of a dataset's event days, or write it to a file."""
    if options.out is not None and options.out.suffix not in _WRITERS:
        raise UsageError(f"--out {options.out}: end it with {', '.join(_WRITERS)}")
    lake, dataset = Lake.from_environment(), dataset_of(options)
    days = periods_of(options, Grain.DAY)
    progress(f"{dataset.name} {days}: read")
    found = Report.of(dataset, Source.open(lake, trusted(dataset)), days)
    if options.out is not None:
        _WRITERS[options.out.suffix](found, options.out)
        progress(f"{options.out}: written")
    outcome = {
        "dataset": dataset.name,
        "days": days.key,
        "rows": len(found.frame),
        "columns": [column.model_dump() for column in found.columns],
        "out": None if options.out is None else str(options.out),
    }
    lines = [f"{dataset.name} {days}: {count(len(found.frame), 'row')}"]
    shown = found.by_day.reset_index().round(3).astype(str)
    lines += table(tuple(shown.columns), [tuple(row) for row in shown.itertuples(index=False)])
    return Answer(outcome, tuple(lines))


def export(options: argparse.Namespace) -> Answer:
    """Write a table's event partitions as files."""
    if not 0 < options.sample <= 1:
        raise UsageError(f"--sample {options.sample:g}: a share above 0, up to 1")
    declaration = find_declaration(options.table)
    source = Source.open(Lake.from_environment(), declaration)
    periods = source.partitions(perhaps_periods_of(options, declaration.grain))
    done = Export(source, options.out, Format(options.format), options.sample).run(periods, progress)
    written = sum(file.bytes_written for file in done.files)
    said = (
        f"{done.table} at snapshot {done.snapshot_id}: {count(done.rows, 'row')} in "
        f"{count(len(done.files), 'file')}, {size(written)}; {options.out / MANIFEST} lists them"
    )
    return Answer(done.model_dump(mode="json"), (said,))
