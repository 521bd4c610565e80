"""Checking everything that is declared, without stopping at the first problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from firelake.errors import SpecError
from firelake.outcome import Outcome
from firelake.quality.derived import summary_columns, trusted_columns
from firelake.quality.suite import suite_problems
from firelake.spec import Dataset
from firelake.spec.load import DATASETS_DIR, PROJECT_ROOT, dataset_paths, read_dataset
from firelake.summary.spec import SUMMARIES_DIR, load_summary


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
    known = {path.stem for path in specs}
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


def _summary_problems(folder: Path, datasets: set[str]) -> Iterator[SpecError]:
    try:
        table = load_summary(folder).table
    except SpecError as error:
        yield error
        return
    for source in table.sources:
        if source not in datasets:
            yield SpecError(folder / "table.yaml", 1, f"sources: there is no dataset {source!r}")
    yield from suite_problems(PROJECT_ROOT / table.checks, summary_columns(table))
