"""Checking everything that is declared, without stopping at the first problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from firelake.errors import SpecError
from firelake.outcome import Outcome
from firelake.quality.derived import summary_columns, trusted_columns
from firelake.quality.suite import suite_problems
from firelake.spec import Dataset
from firelake.spec.load import DATASETS_DIR, PROJECT_ROOT, dataset_paths, line_of, read_dataset
from firelake.summary.spec import SUMMARIES_DIR, SummaryTable, load_summary


class Checked(Outcome):
    """What was read, and what is wrong with it.

    Parameters
    ----------
    problems
        Each begins with file and line.
    """

    files: tuple[str, ...]
    problems: tuple[str, ...]


def check_spec(path: Path) -> Checked:
    """Check one dataset's file and its suite."""
    return _checked([path], _dataset_problems(path))


def check_project(datasets: Path = DATASETS_DIR, summaries: Path = SUMMARIES_DIR) -> Checked:
    """Check every dataset, summary and suite."""
    specs, folders = dataset_paths(datasets), sorted(summaries.glob("*/table.yaml"))
    known = {found.name: found for path in specs if (found := read_dataset(path).found) is not None}
    problems = [problem for path in specs for problem in _dataset_problems(path)]
    for table in folders:
        problems.extend(_summary_problems(table.parent, known))
    return _checked([*specs, *folders], problems)


def _checked(files: Iterable[Path], problems: Iterable[SpecError]) -> Checked:
    return Checked(files=tuple(map(str, files)), problems=tuple(map(str, problems)))


def _dataset_problems(path: Path) -> Iterator[SpecError]:
    read = read_dataset(path)
    yield from read.problems
    if isinstance(read.found, Dataset):
        yield from suite_problems(PROJECT_ROOT / read.found.quality.suite, trusted_columns(read.found))


def source_problems(path: Path, table: SummaryTable, datasets: Mapping[str, Dataset]) -> Iterator[SpecError]:
    """Yield what is wrong with a summary's ``table.yaml`` in the light of the datasets there are."""
    for number, name in enumerate(table.sources):
        if name not in datasets:
            line = line_of(path, "sources", number)
            yield SpecError(path, line, f"sources: there is no dataset {name!r}, or it is wrong itself")
    for name, equality in table.reconcile.items():
        if (dataset := datasets.get(equality.source)) is None:
            continue
        problem = equality.trusted.problem(trusted_columns(dataset))
        if problem is not None:
            line = line_of(path, "reconcile", name, "trusted")
            yield SpecError(path, line, f"reconcile.{name}.trusted: {equality.source}: {problem}")


def _summary_problems(folder: Path, datasets: Mapping[str, Dataset]) -> Iterator[SpecError]:
    try:
        table = load_summary(folder).table
    except SpecError as error:
        yield error
        return
    yield from source_problems(folder / "table.yaml", table, datasets)
    yield from suite_problems(PROJECT_ROOT / table.checks, summary_columns(table))
