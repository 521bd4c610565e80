"""What a summary table's folder declares: its columns, grain, parameters and query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from firelake import sql
from firelake.errors import SpecError
from firelake.periods import Grain, Period
from firelake.spec.alerts import AlertEvent, Alerts
from firelake.spec.dataset import Name, Trailing
from firelake.spec.declaration import Declaration
from firelake.spec.load import PROJECT_ROOT, load_yaml_model
from firelake.spec.types import ColumnType, Primitive, parse_type
from firelake.summary.figures import Equality

SUMMARIES_DIR = PROJECT_ROOT / "include" / "sql"

# Texts, quoted names and comments, in which a question mark binds nothing.
_NO_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


class Binding(StrEnum):
    """What a parameter of a query is bound to."""

    PARTITION_START = "partition_start"
    PARTITION_END = "partition_end"
    READS_START = "reads_start"
    READS_END = "reads_end"


class Parameter(Declaration):
    """One question mark of the query."""

    name: Name = Field(description="What it is called in messages.")
    bind: Binding = Field(
        description="What is bound: the first instant, or the first after the end, of the partition or of "
        "all that it reads."
    )


class SummaryColumn(Declaration):
    """One column that the query returns."""

    name: Name = Field(description="Filled from the key under `columns`.")
    type: Annotated[ColumnType, BeforeValidator(lambda value: parse_type(str(value)))] = Field(
        description="An Iceberg type as Athena writes it."
    )
    required: bool = Field(False, description="Never null.")
    unit: str | None = Field(None, description="Unit, such as `s` or `°C`.")
    description: str = Field(min_length=1, description="What it means; becomes the column's comment in Glue.")


class SummaryPartition(Declaration):
    """By what the table is partitioned."""

    column: str = Field(description="The column that holds the event partition.")
    grain: Grain = Field(description="`hour` or `day`; one run rebuilds one such period.")
    reads: tuple[int, ...] = Field(
        (0,),
        description="Which periods of its sources a partition is made of, counted from its own, in order: "
        "`[-1, 0, 1]` for the day before, the same and the next.",
    )

    @model_validator(mode="after")
    def _reads_in_order(self) -> Self:
        if 0 not in self.reads or list(self.reads) != sorted(set(self.reads)):
            raise ValueError(f"reads: {list(self.reads)}: write different numbers in order, 0 among them")
        return self

    def affected(self, changed: Period) -> tuple[Period, ...]:
        """Return the partitions to be rebuilt when a period of a source has changed."""
        return changed.readers(self.reads)

    def instant(self, binding: Binding, period: Period) -> datetime:
        """Return what a parameter is bound to in one partition."""
        instants: dict[Binding, datetime] = {
            Binding.PARTITION_START: period.start,
            Binding.PARTITION_END: period.end,
            Binding.READS_START: period.moved(self.reads[0]).start,
            Binding.READS_END: period.moved(self.reads[-1]).end,
        }
        return instants[binding]


class SummaryTable(Declaration):
    """One version of a summary table."""

    name: Name = Field(description="Names the table and its DAG.")
    version: int = Field(ge=1, description="Raised when columns or meaning change; ends the folder's name.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    description: str = Field(min_length=1, description="What a row is.")
    grain: tuple[str, ...] = Field(min_length=1, description="The columns of which no two rows are equal.")
    sources: tuple[Name, ...] = Field(min_length=1, description="The datasets whose trusted tables it reads.")
    partition: SummaryPartition
    parameters: tuple[Parameter, ...] = Field(description="The query's question marks, in order.")
    checks: Path = Field(description="The table's Great Expectations suite, from the project's root.")
    columns: tuple[SummaryColumn, ...] = Field(description="What the query returns, in order.")
    reconcile: dict[Name, Equality] = Field(
        {}, description="Figures that the partition shares with the rows it was computed from."
    )
    trailing: Trailing | None = Field(
        None, description="How a partition is compared with those before it; not at all, unless said."
    )
    alerts: Alerts | None = Field(None, description="Who is told when it needs people; nobody, unless said.")

    @model_validator(mode="before")
    @classmethod
    def _name_columns(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("columns"), dict):
            return data
        named = [
            {"name": name, **column} if isinstance(column, dict) else column
            for name, column in data["columns"].items()
        ]
        return {**data, "columns": named}

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        names = {column.name for column in self.columns}
        for key, used in (("grain", self.grain), ("partition", (self.partition.column,))):
            for name in used:
                if name not in names:
                    raise ValueError(f"{key}: there is no column {name!r}")
        for name in (self.trailing and self.trailing.columns) or ():
            if name not in names:
                raise ValueError(f"trailing.columns: there is no column {name!r}")
        kind = Primitive("date" if self.partition.grain is Grain.DAY else "timestamp")
        if self.column(self.partition.column).type != kind:
            raise ValueError(f"partition: column {self.partition.column!r} must be of type {kind}")
        return self

    @model_validator(mode="after")
    def _figures_exist(self) -> Self:
        columns = {column.name: column.type for column in self.columns}
        for name, equality in self.reconcile.items():
            if equality.source not in self.sources:
                raise ValueError(f"reconcile.{name}.source: {equality.source!r} is none of the sources")
            if (problem := equality.summary.problem(columns)) is not None:
                raise ValueError(f"reconcile.{name}.summary: {problem}")
        if self.trailing is not None and self.trailing.gaps is not None:
            raise ValueError("trailing.gaps: a summary has no event time, between whose values gaps could be")
        return self

    @model_validator(mode="after")
    def _alerts_are_about_the_gate(self) -> Self:
        explicit = self.alerts is not None and "events" in self.alerts.model_fields_set
        events = self.alerts.events if self.alerts is not None and explicit else ()
        for event in (AlertEvent.QUARANTINE_RATE, AlertEvent.FRESHNESS):
            if event in events:
                raise ValueError(f"alerts.events: {event} is for datasets")
        return self

    def column(self, name: str) -> SummaryColumn:
        """Return the column called ``name``; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def bound(self, period: Period) -> list[str]:
        """Return the SQL literals of the query's parameters for one partition."""
        instants = (self.partition.instant(parameter.bind, period) for parameter in self.parameters)
        return [sql.literal(f"{instant:%Y-%m-%d %H:%M:%S}") for instant in instants]


@dataclass(frozen=True)
class Summary:
    """A summary table and the Athena query that makes one partition of it."""

    table: SummaryTable
    query: str


def load_summary(folder: Path) -> Summary:
    """Read ``table.yaml`` and ``query.sql`` of one folder.

    Raises
    ------
    SpecError
        If either cannot be read or is wrong, if the folder is not ``<name>_v<version>``, or if the
        query has not as many parameters as are declared.
    """
    table_path, query_path = folder / "table.yaml", folder / "query.sql"
    table = load_yaml_model(table_path, SummaryTable)
    expected = f"{table.name}_v{table.version}"
    if folder.name != expected:
        raise SpecError(table_path, 1, f"name, version: the folder must be {expected!r}, not {folder.name!r}")
    try:
        query = query_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(query_path, 1, f"cannot be read: {error}") from error
    found, declared = _NO_PARAMETER.sub("", query).count("?"), len(table.parameters)
    if found != declared:
        raise SpecError(query_path, 1, f"{found} parameters (?), but table.yaml declares {declared}")
    return Summary(table, query)


def load_summaries(directory: Path = SUMMARIES_DIR) -> list[Summary]:
    """Read every summary of a directory, by folder; SpecError on the first that is wrong."""
    return [load_summary(path.parent) for path in sorted(directory.glob("*/table.yaml"))]
