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
