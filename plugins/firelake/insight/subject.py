"""The tables that pages are about: datasets' trusted tables and summaries."""

from __future__ import annotations

from dataclasses import dataclass

from firelake.spec import Dataset
from firelake.summary.spec import SummaryTable
from firelake.tables import TableDeclaration, summary, trusted


@dataclass(frozen=True)
class Subject:
    """A table with all that is declared of it.

    Parameters
    ----------
    dataset
        None for summaries.
    """

    name: str
    owner: str
    description: str
    declaration: TableDeclaration
    dataset: Dataset | None = None

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> Subject:
        """Return a dataset's trusted table."""
        return cls(dataset.name, dataset.owner, dataset.description, trusted(dataset), dataset)

    @classmethod
    def of_summary(cls, table: SummaryTable) -> Subject:
        """Return a summary."""
        return cls(table.name, table.owner, table.description, summary(table))


@dataclass(frozen=True)
class Declared:
    """Everything that is declared, and what is wrong in the files of the rest."""

    datasets: tuple[Dataset, ...]
    summaries: tuple[SummaryTable, ...]
    errors: tuple[str, ...] = ()

    @property
    def subjects(self) -> dict[str, Subject]:
        """The tables by name."""
        found = [
            *(Subject.of_dataset(dataset) for dataset in self.datasets),
            *(Subject.of_summary(table) for table in self.summaries),
        ]
        return {subject.name: subject for subject in found}
