"""A range of days as a table and charts: what a data scientist looks at first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from firelake.analyst import charts
from firelake.analyst.source import Source
from firelake.outcome import Outcome
from firelake.periods import PeriodRange
from firelake.spec import Dataset
from firelake.spec.dataset import EXTRA_COLUMN, RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN, Column
from firelake.spec.types import Primitive

_TEMPLATES = Path(__file__).parent / "templates"
_LINEAGE = (EXTRA_COLUMN, RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN)
_NUMBERS = frozenset(Primitive(name) for name in ("int", "bigint", "float", "double"))
_MOST_CHARTS = 12


class ColumnSummary(Outcome):
    """One column over all days; numbers are None where the column holds none."""

    name: str
    unit: str | None
    description: str
    present: int
    nulls: int
    distinct: int
    lowest: float | None = None
    median: float | None = None
    mean: float | None = None
    p95: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Report:
    """What a report says.

    Parameters
    ----------
    frame
        The rows, by event time, without lineage.
    by_day
        Rows and the measures' means of each day (UTC).
    """

    dataset: Dataset
    days: PeriodRange
    frame: pd.DataFrame
    by_day: pd.DataFrame
    columns: tuple[ColumnSummary, ...]

    @classmethod
    def of(cls, dataset: Dataset, source: Source, days: PeriodRange) -> Report:
        """Read the trusted rows of some event days."""
        frame = frame_of(source.rows(days.first, days.last), dataset)
        return cls(
            dataset=dataset,
            days=days,
            frame=frame,
            by_day=_by_day(frame, dataset),
            columns=tuple(_summary(frame, column) for column in _shown(dataset)),
        )

    def html(self) -> str:
        """Return the report as a page that needs nothing but itself."""
        return _template().render(
            dataset=self.dataset,
            days=self.days,
            rows=len(self.frame),
            columns=self.columns,
            by_day=self.by_day.reset_index().to_dict(orient="records"),
            charts=[Markup(svg) for svg in self._charts()],  # noqa: S704 - drawn by us, its texts escaped
        )

    def _charts(self) -> Iterator[str]:
        if self.frame.empty:
            return
        time = self.dataset.event_time
        yield charts.volume(self.frame[time])
        for column in measures(self.dataset)[:_MOST_CHARTS]:
            if self.frame[column.name].notna().any():
                yield charts.spread(self.frame[time], self.frame[column.name], _label(column))


def frame_of(rows: pa.Table, dataset: Dataset) -> pd.DataFrame:
    """Return trusted rows as a pandas frame, by event time."""
    kept = [name for name in rows.column_names if name not in _LINEAGE]
    return rows.select(kept).to_pandas().sort_values(dataset.event_time, ignore_index=True)


def measures(dataset: Dataset) -> list[Column]:
    """Return the columns that measure something: numbers with a unit, which identifiers have not."""
    return [column for column in _shown(dataset) if column.type in _NUMBERS and column.unit]


def _shown(dataset: Dataset) -> list[Column]:
    return [column for column in dataset.columns if not column.pii]


def _label(column: Column) -> str:
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def _by_day(frame: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    names = [column.name for column in measures(dataset)]
    days = frame[dataset.event_time].dt.strftime("%Y-%m-%d").rename("day")
    grouped = frame.groupby(days)
    return pd.concat([grouped.size().rename("rows"), grouped[names].mean()], axis=1)


def _summary(frame: pd.DataFrame, column: Column) -> ColumnSummary:
    values = frame[column.name]
    counted = ColumnSummary(
        name=column.name,
        unit=column.unit,
        description=column.description,
        present=int(values.notna().sum()),
        nulls=int(values.isna().sum()),
        distinct=int(values.astype(str).nunique()) if values.dtype == object else int(values.nunique()),
    )
    if column.type not in _NUMBERS or not counted.present:
        return counted
    return counted.model_copy(
        update={
            "lowest": float(values.min()),
            "median": float(values.median()),
            "mean": float(values.mean()),
            "p95": float(values.quantile(0.95)),
            "highest": float(values.max()),
        }
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2")
