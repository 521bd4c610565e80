"""Figures of a table, such as ``sum(readings)``, that a summary and what it was computed from must share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from firelake.quality.result import Severity
from firelake.quality.supported import Kind, kind_of
from firelake.spec.dataset import Name
from firelake.spec.declaration import Declaration
from firelake.spec.types import ColumnType
from firelake.sql import identifier

_FIGURE = re.compile(
    r"(?P<function>count|sum|min|max)\((?P<distinct>distinct )?(?P<column>\*|[a-z_][a-z0-9_]*)\)"
)


@dataclass(frozen=True)
class Figure:
    """One number about a table's rows.

    Parameters
    ----------
    column
        None for ``count(*)``.
    """

    function: str
    column: str | None
    distinct: bool = False

    @property
    def sql(self) -> str:
        """The figure as DuckDB and Athena take it; the sum of nothing is 0."""
        column = "*" if self.column is None else identifier(self.column)
        figure = f"{self.function}({'DISTINCT ' if self.distinct else ''}{column})"
        return f"coalesce({figure}, 0)" if self.function == "sum" else figure

    @property
    def of_nothing(self) -> int | None:
        """The figure of no rows."""
        return 0 if self.function in ("count", "sum") else None

    def problem(self, columns: Mapping[str, ColumnType]) -> str | None:
        """Say why a table with these columns has no such figure; None if it has."""
        if self.column is None:
            return None
        if self.column not in columns:
            return f"there is no column {self.column!r}"
        if self.function != "count" and kind_of(columns[self.column]) is not Kind.NUMBER:
            return f"column {self.column!r} is {columns[self.column]}; {self.function} takes a number"
        return None


def _parse(value: Any) -> Figure:
    if isinstance(value, Figure):
        return value
    match = _FIGURE.fullmatch(str(value))
    column, distinct = (match["column"], match["distinct"] is not None) if match else ("", False)
    counts = match is not None and match["function"] == "count"
    if match is None or ((column == "*" or distinct) and not counts) or (column == "*" and distinct):
        raise ValueError(
            f"{value!r}: write count(*), count(column), count(distinct column), sum(column), min(column) "
            "or max(column)"
        )
    return Figure(match["function"], None if column == "*" else column, distinct)


class Equality(Declaration):
    """Two figures that must be equal: one of a summary's partition, one of the rows it was computed from."""

    description: str = Field(min_length=1, description="What it says of the summary.")
    source: Name = Field(description="The dataset; its rows of the partition's time count.")
    summary: Annotated[Figure, BeforeValidator(_parse)] = Field(description="The summary's figure.")
    trusted: Annotated[Figure, BeforeValidator(_parse)] = Field(description="The trusted table's figure.")
    tolerance: float = Field(
        0.0, ge=0, lt=1, description="By what share of the larger one they may differ, such as 1e-9 for sums."
    )
    severity: Severity = Field(Severity.CRITICAL, description="`critical` blocks.")
