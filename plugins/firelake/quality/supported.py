"""The expectations a suite may use: those whose DuckDB results were compared with the pandas engine's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from firelake.quality import arguments as args
from firelake.spec.types import ColumnType, Decimal, Primitive


class Kind(StrEnum):
    """What expectations distinguish about a column's type."""

    NUMBER = "number"
    TEXT = "text"
    TIME = "time"
    BOOLEAN = "boolean"
    NESTED = "nested"


_KINDS = {
    "string": Kind.TEXT,
    "int": Kind.NUMBER,
    "bigint": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "timestamp": Kind.TIME,
    "date": Kind.TIME,
}


def kind_of(column_type: ColumnType) -> Kind:
    """Return what a column's type is to an expectation."""
    if isinstance(column_type, Primitive):
        return _KINDS[column_type.name]
    return Kind.NUMBER if isinstance(column_type, Decimal) else Kind.NESTED


@dataclass(frozen=True)
class Support:
    """How one expectation is supported.

    Parameters
    ----------
    arguments
        What its ``kwargs`` must look like.
    kinds
        The column types it is evaluated for.
    per_row
        Whether rows pass or fail; otherwise it is about a figure or the table.
    """

    arguments: type[args.Arguments]
    kinds: frozenset[Kind]
    per_row: bool


_ANY = frozenset(Kind)
_SCALAR = _ANY - {Kind.NESTED}
_SETTABLE = frozenset({Kind.NUMBER, Kind.TEXT})
_ORDERED = frozenset({Kind.NUMBER, Kind.TIME})
_NUMBER = frozenset({Kind.NUMBER})
_TEXT = frozenset({Kind.TEXT})


def _rows(arguments: type[args.Arguments], kinds: frozenset[Kind]) -> Support:
    return Support(arguments, kinds, per_row=True)


def _figure(arguments: type[args.Arguments], kinds: frozenset[Kind] = _ANY) -> Support:
    return Support(arguments, kinds, per_row=False)


SUPPORTED: dict[str, Support] = {
    "expect_column_values_to_not_be_null": _rows(args.ColumnRows, _ANY),
    "expect_column_values_to_be_null": _rows(args.ColumnRows, _ANY),
    "expect_column_values_to_be_unique": _rows(args.ColumnRows, _SCALAR),
    "expect_column_values_to_be_in_set": _rows(args.ColumnRowsInSet, _SETTABLE),
    "expect_column_values_to_not_be_in_set": _rows(args.ColumnRowsInSet, _SETTABLE),
    "expect_column_values_to_be_between": _rows(args.ColumnRowsBetween, _ORDERED),
    "expect_column_values_to_match_regex": _rows(args.ColumnRowsMatch, _TEXT),
    "expect_column_values_to_not_match_regex": _rows(args.ColumnRowsMatch, _TEXT),
    "expect_column_values_to_match_regex_list": _rows(args.ColumnRowsMatchAnyOrAll, _TEXT),
    "expect_column_values_to_not_match_regex_list": _rows(args.ColumnRowsMatchList, _TEXT),
    "expect_column_value_lengths_to_be_between": _rows(args.ColumnLengthsBetween, _TEXT),
    "expect_column_value_lengths_to_equal": _rows(args.ColumnLengthsEqual, _TEXT),
    "expect_column_pair_values_to_be_equal": _rows(args.PairRows, _SCALAR),
    "expect_column_pair_values_a_to_be_greater_than_b": _rows(args.PairRowsOrdered, _ORDERED),
    "expect_compound_columns_to_be_unique": _rows(args.CompoundRows, _SCALAR),
    "expect_multicolumn_sum_to_equal": _rows(args.SumRows, _NUMBER),
    "expect_column_min_to_be_between": _figure(args.ColumnBetween, _ORDERED),
    "expect_column_max_to_be_between": _figure(args.ColumnBetween, _ORDERED),
    "expect_column_mean_to_be_between": _figure(args.ColumnBetween, _NUMBER),
    "expect_column_median_to_be_between": _figure(args.ColumnBetween, _NUMBER),
    "expect_column_stdev_to_be_between": _figure(args.ColumnBetween, _NUMBER),
    "expect_column_sum_to_be_between": _figure(args.ColumnBetween, _NUMBER),
    "expect_column_quantile_values_to_be_between": _figure(args.ColumnQuantiles, _NUMBER),
    "expect_column_unique_value_count_to_be_between": _figure(args.ColumnCountBetween, _SCALAR),
    "expect_column_proportion_of_unique_values_to_be_between": _figure(args.ColumnShareBetween, _SCALAR),
    "expect_column_proportion_of_non_null_values_to_be_between": _figure(args.ColumnShareBetween, _SCALAR),
    "expect_column_distinct_values_to_be_in_set": _figure(args.ColumnSet, _SETTABLE),
    "expect_column_distinct_values_to_contain_set": _figure(args.ColumnSet, _SETTABLE),
    "expect_column_distinct_values_to_equal_set": _figure(args.ColumnSet, _SETTABLE),
    "expect_column_most_common_value_to_be_in_set": _figure(args.ColumnSet, _SETTABLE),
    "expect_column_to_exist": _figure(args.OneColumn),
    "expect_column_values_to_be_of_type": _figure(args.ColumnType),
    "expect_table_row_count_to_be_between": _figure(args.TableCountBetween),
    "expect_table_row_count_to_equal": _figure(args.TableCount),
    "expect_table_column_count_to_be_between": _figure(args.TableCountBetween),
    "expect_table_column_count_to_equal": _figure(args.TableCount),
    "expect_table_columns_to_match_set": _figure(args.TableColumns),
    "expect_table_columns_to_match_ordered_list": _figure(args.TableColumnsOrdered),
}
