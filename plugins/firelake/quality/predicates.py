"""Rules about rows as SQL predicates, by which failing rows are moved to quarantine one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from firelake.spec.types import ColumnType, Primitive
from firelake.sql import identifier, literal

_FLOATING = frozenset({Primitive("float"), Primitive("double")})


@dataclass(frozen=True)
class RowPredicate:
    """When a row fails a rule.

    Parameters
    ----------
    sql
        DuckDB SQL over the table's columns: true for a failing row, false for every other, never null.
    """

    rule: str
    sql: str


@dataclass(frozen=True)
class _Row:
    """One expectation's arguments as SQL operands."""

    kwargs: Mapping[str, Any]
    columns: Mapping[str, ColumnType]

    def value(self, key: str = "column") -> str:
        """Return the SQL of a column's value, in which NaN is null as it is for the gate."""
        name = self.kwargs[key]
        quoted = identifier(name)
        if self.columns[name] in _FLOATING:
            return f"(CASE WHEN isfinite({quoted}) OR isinf({quoted}) THEN {quoted} END)"
        return quoted

    def constant(self, value: bool | int | float | str) -> str:
        """Return the SQL of a constant; texts are cast to what they are compared with."""
        if isinstance(value, str):
            return literal(value)
        return f"{value!r}::DOUBLE" if isinstance(value, float) else repr(value)

    def constants(self, key: str) -> str:
        """Return the SQL of a list of constants."""
        return ", ".join(self.constant(value) for value in self.kwargs[key])


def _between(row: _Row) -> str:
    low = ">" if row.kwargs.get("strict_min") else ">="
    high = "<" if row.kwargs.get("strict_max") else "<="
    return f"NOT ({_within(row, row.value(), low, high)})"


def _length_between(row: _Row) -> str:
    return f"NOT ({_within(row, f'length({row.value()})', '>=', '<=')})"


def _within(row: _Row, value: str, low: str, high: str) -> str:
    bounds = ((low, row.kwargs.get("min_value")), (high, row.kwargs.get("max_value")))
    return " AND ".join(
        f"{value} {operator} {row.constant(bound)}" for operator, bound in bounds if bound is not None
    )


def _matches_list(row: _Row) -> str:
    operator = " AND " if row.kwargs.get("match_on") == "all" else " OR "
    return operator.join(f"regexp_matches({row.value()}, {literal(one)})" for one in row.kwargs["regex_list"])


def _pair_differs(row: _Row) -> str:
    first, second = row.value("column_A"), row.value("column_B")
    if row.kwargs["ignore_row_if"] == "either_value_is_missing":
        return f"{first} <> {second}"
    # Two nulls count as equal here, unless rows without both values are looked at too.
    both_missing = f"{first} IS NULL AND {second} IS NULL"
    differs = f"{first} IS DISTINCT FROM {second}"
    return f"{differs} OR ({both_missing})" if row.kwargs["ignore_row_if"] == "neither" else differs


def _not_greater(row: _Row) -> str:
    operator = "<" if row.kwargs.get("or_equal") else "<="
    return f"{row.value('column_A')} {operator} {row.value('column_B')}"


_FAILS: dict[str, Callable[[_Row], str]] = {
    "expect_column_values_to_not_be_null": lambda row: f"{row.value()} IS NULL",
    "expect_column_values_to_be_null": lambda row: f"{row.value()} IS NOT NULL",
    "expect_column_values_to_be_in_set": lambda row: f"{row.value()} NOT IN ({row.constants('value_set')})",
    "expect_column_values_to_not_be_in_set": lambda row: f"{row.value()} IN ({row.constants('value_set')})",
    "expect_column_values_to_be_between": _between,
    "expect_column_value_lengths_to_be_between": _length_between,
    "expect_column_value_lengths_to_equal": lambda row: f"length({row.value()}) <> {row.kwargs['value']:d}",
    "expect_column_values_to_match_regex": (
        lambda row: f"NOT regexp_matches({row.value()}, {literal(row.kwargs['regex'])})"
    ),
    "expect_column_values_to_not_match_regex": (
        lambda row: f"regexp_matches({row.value()}, {literal(row.kwargs['regex'])})"
    ),
    "expect_column_values_to_match_regex_list": lambda row: f"NOT ({_matches_list(row)})",
    "expect_column_values_to_not_match_regex_list": _matches_list,
    "expect_column_pair_values_to_be_equal": _pair_differs,
    "expect_column_pair_values_a_to_be_greater_than_b": _not_greater,
}

QUARANTINABLE = frozenset(_FAILS)


def row_predicate(
    name: str, type_name: str, kwargs: Mapping[str, Any], columns: Mapping[str, ColumnType]
) -> RowPredicate:
    """Return the predicate of one rule, whose type is in :data:`QUARANTINABLE`."""
    return RowPredicate(name, f"coalesce({_FAILS[type_name](_Row(kwargs, columns))}, false)")


def refusal_sql(predicates: Iterable[RowPredicate]) -> str:
    """Return SQL for the name of the first rule that a row fails; null for rows that fail none."""
    cases = " ".join(f"WHEN {one.sql} THEN {literal(one.rule)}" for one in predicates)
    return f"CASE {cases} END" if cases else "NULL::VARCHAR"
