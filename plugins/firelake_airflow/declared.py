"""What is declared, so that one wrong file stops only what it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Generic, TypeVar

from firelake.errors import FirelakeError, SpecError
from firelake.spec.dataset import Dataset
from firelake.spec.load import DATASETS_DIR, dataset_paths, load_dataset
from firelake.summary.spec import SUMMARIES_DIR, Summary, load_summary

Declared = TypeVar("Declared")


@dataclass(frozen=True)
class Declarations(Generic[Declared]):
    """The declarations of one kind.

    Parameters
    ----------
    valid
        Those that can be built.
    errors
        One error for each that cannot.
    """

    valid: tuple[Declared, ...]
    errors: tuple[SpecError, ...]


def datasets(directory: Path = DATASETS_DIR) -> Declarations[Dataset]:
    """Read every dataset's YAML in a folder."""
    return _read(dataset_paths(directory), load_dataset)


def summaries(known: Iterable[Dataset], directory: Path = SUMMARIES_DIR) -> Declarations[Summary]:
    """Read every summary's folder; one that reads a dataset which is not ``known`` is wrong."""
    names = {dataset.name for dataset in known}

    def load(path: Path) -> Summary:
        summary = load_summary(path.parent)
        for source in summary.table.sources:
            if source not in names:
                raise SpecError(path, 1, f"sources: there is no dataset {source!r}, or it is wrong itself")
        return summary

    return _read(sorted(directory.glob("*/table.yaml")), load)


def raise_errors(*kinds: Iterable[SpecError]) -> None:
    """Raise all errors as one, for Airflow keeps a single import error a file.

    Raises
    ------
    DeclarationError
        If there are any.
    """
    errors = list(chain(*kinds))
    if errors:
        raise DeclarationError(errors)


class DeclarationError(FirelakeError):
    """Some files are wrong; the DAGs of all others are there."""

    def __init__(self, errors: list[SpecError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))


def _read(paths: Iterable[Path], load: Callable[[Path], Declared]) -> Declarations[Declared]:
    valid: list[Declared] = []
    errors: list[SpecError] = []
    for path in paths:
        try:
            valid.append(load(path))
        except SpecError as error:
            errors.append(error)
    return Declarations(tuple(valid), tuple(errors))
