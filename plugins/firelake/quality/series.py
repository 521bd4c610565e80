"""A table as a series of batches: what of it is compared over time."""

from __future__ import annotations

from dataclasses import dataclass

from firelake.periods import Grain
from firelake.spec.dataset import Dataset, Trailing
from firelake.spec.types import ColumnType
from firelake.summary.spec import SummaryTable


@dataclass(frozen=True)
class SeriesColumn:
    """A column whose shape is compared; of personal data no value is kept."""

    name: str
    type: ColumnType
    pii: bool = False


@dataclass(frozen=True)
class Series:
    """The batches of one table, one for each partition.

    Parameters
    ----------
    event_time
        The timestamp column by whose hours rows are counted; None if the table has none.
    options
        What is compared; None if nothing is.
    """

    table: str
    grain: Grain
    columns: tuple[SeriesColumn, ...]
    event_time: str | None
    options: Trailing | None

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> Series:
        """Return the series of a dataset's event partitions."""
        return cls(
            table=dataset.name,
            grain=dataset.partition_by,
            columns=tuple(SeriesColumn(column.name, column.type, column.pii) for column in dataset.columns),
            event_time=dataset.event_time,
            options=dataset.quality.trailing,
        )

    @classmethod
    def of_summary(cls, table: SummaryTable) -> Series:
        """Return the series of a summary's partitions, without the column that is the same in all rows."""
        return cls(
            table=table.name,
            grain=table.partition.grain,
            columns=tuple(
                SeriesColumn(column.name, column.type)
                for column in table.columns
                if column.name != table.partition.column
            ),
            event_time=None,
            options=table.trailing,
        )

    def column(self, name: str) -> SeriesColumn:
        """Return the column called ``name``; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
