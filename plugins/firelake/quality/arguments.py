"""The arguments each kind of expectation takes, refused when unknown, missing or of the wrong type."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Parameter(BaseModel):
    """A value that is known when the gate runs, written ``{"$PARAMETER": "partition_start"}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(alias="$PARAMETER", min_length=1)


def _check_regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


def _check_time(value: str) -> str:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r}: bounds are numbers, or times like 2026-11-21T14:00:00") from error
    if instant.tzinfo is not None:
        raise ValueError(f"{value!r}: columns are UTC without a zone, so write the time without one")
    return value


Regex = Annotated[str, AfterValidator(_check_regex)]
Time = Annotated[str, AfterValidator(_check_time)]
Bound = int | float | Time | Parameter
Scalar = bool | int | float | str


class Arguments(BaseModel):
    """Base of all arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose values the expectation reads."""
        return ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the values it needs when the gate runs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.name for value in values if isinstance(value, Parameter))


class OneColumn(Arguments):
    """An expectation about one column."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)


class TwoColumns(Arguments):
    """An expectation about two columns of the same row."""

    column_A: str  # noqa: N815 - the name Great Expectations gives it
    column_B: str  # noqa: N815

    @property
    def columns(self) -> tuple[str, ...]:
        """Both columns."""
        return (self.column_A, self.column_B)


class ManyColumns(Arguments):
    """An expectation about several columns of the same row."""

    column_list: tuple[str, ...] = Field(min_length=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The listed columns."""
        return self.column_list


class Mostly(Arguments):
    """An expectation about rows: the share that must hold."""

    mostly: float = Field(1.0, gt=0, le=1)


class Bounds(Arguments):
    """A range, open where a bound is not given."""

    min_value: Bound | None = None
    max_value: Bound | None = None
    strict_min: bool = False
    strict_max: bool = False

    @model_validator(mode="after")
    def _bounds_make_sense(self) -> Self:
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            raise ValueError("give min_value, max_value or both")
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            raise ValueError(f"min_value {low} is above max_value {high}")
        times = [datetime.fromisoformat(bound) for bound in (low, high) if isinstance(bound, str)]
        if times != sorted(times):
            raise ValueError(f"min_value {low} is after max_value {high}")
        return self

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The bounds that are given."""
        return tuple(bound for bound in (self.min_value, self.max_value) if bound is not None)


class CountBounds(Arguments):
    """A range of whole numbers."""

    min_value: int | Parameter | None = None
    max_value: int | Parameter | None = None

    @model_validator(mode="after")
    def _bounds_make_sense(self) -> Self:
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            raise ValueError("give min_value, max_value or both")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            raise ValueError(f"min_value {low} is above max_value {high}")
        return self


class ShareBounds(Arguments):
    """A range of shares between 0 and 1."""

    min_value: float | None = Field(None, ge=0, le=1)
    max_value: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _bounds_make_sense(self) -> Self:
        if self.min_value is None and self.max_value is None:
            raise ValueError("give min_value, max_value or both")
        if self.min_value is not None and self.max_value is not None and self.min_value > self.max_value:
            raise ValueError(f"min_value {self.min_value} is above max_value {self.max_value}")
        return self


class ColumnRows(OneColumn, Mostly):
    """Rows of one column, nothing more to say."""


class ColumnRowsBetween(OneColumn, Mostly, Bounds):
    """Rows of one column within a range."""


class ColumnRowsInSet(OneColumn, Mostly):
    """Rows of one column against a set of values."""

    value_set: tuple[Scalar, ...] = Field(min_length=1)


class ColumnRowsMatch(OneColumn, Mostly):
    """Rows of one column against a regular expression."""

    regex: Regex


class ColumnRowsMatchList(OneColumn, Mostly):
    """Rows of one column against several regular expressions."""

    regex_list: tuple[Regex, ...] = Field(min_length=1)


class ColumnRowsMatchAnyOrAll(ColumnRowsMatchList):
    """Rows of one column against any or all of several regular expressions."""

    match_on: Literal["any", "all"] = "any"


class ColumnLengthsBetween(OneColumn, Mostly, CountBounds):
    """Rows of one column by the length of their text."""


class ColumnLengthsEqual(OneColumn, Mostly):
    """Rows of one column whose text has one length."""

    value: int = Field(ge=0)


class ColumnBetween(OneColumn, Bounds):
    """A figure about a whole column within a range."""


class ColumnCountBetween(OneColumn, CountBounds):
    """A number of a column's values within a range."""


class ColumnShareBetween(OneColumn, ShareBounds):
    """A share of a column's values within a range."""


class ColumnSet(OneColumn):
    """A column's distinct values against a set."""

    value_set: tuple[Scalar, ...] = Field(min_length=1)


class ColumnType(OneColumn):
    """A column's type, written as in a dataset's spec."""

    type_: str


class QuantileRanges(Arguments):
    """Quantiles and the range each must lie in."""

    quantiles: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(min_length=1)
    value_ranges: tuple[tuple[float | None, float | None], ...]

    @model_validator(mode="after")
    def _ranges_fit(self) -> Self:
        if len(self.quantiles) != len(self.value_ranges):
            raise ValueError(f"{len(self.quantiles)} quantiles, but {len(self.value_ranges)} value_ranges")
        for low, high in self.value_ranges:
            if low is None and high is None:
                raise ValueError("a value range of [null, null] allows everything")
        return self


class ColumnQuantiles(OneColumn):
    """A column's quantiles within ranges."""

    quantile_ranges: QuantileRanges


class PairRows(TwoColumns, Mostly):
    """Rows of two columns that must be equal."""

    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"]


class PairRowsOrdered(TwoColumns, Mostly):
    """Rows of two columns of which the first must be greater.

    In SQL nothing is greater than a null, nor is it not: rows that lack a value can only be left out.
    """

    ignore_row_if: Literal["either_value_is_missing"]
    or_equal: bool = False


class CompoundRows(ManyColumns, Mostly):
    """Rows by the values of several columns together; two nulls are equal."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"]


class SumRows(ManyColumns, Mostly):
    """Rows by the sum of several columns, where all have a value."""

    ignore_row_if: Literal["any_value_is_missing"]
    sum_total: float


class TableCountBetween(CountBounds):
    """A number of rows or columns within a range."""


class TableCount(Arguments):
    """A number of rows or columns."""

    value: int | Parameter


class TableColumns(Arguments):
    """All columns of a table, in any order."""

    column_set: tuple[str, ...] = Field(min_length=1)
    exact_match: bool = True


class TableColumnsOrdered(Arguments):
    """All columns of a table, in order."""

    column_list: tuple[str, ...] = Field(min_length=1)
