"""Quoting for SQL: the only module that turns names and values into SQL text."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str) -> str:
    """Quote a column, table or schema name for DuckDB and Athena."""
    return '"' + name.replace('"', '""') + '"'


def identifiers(names: Iterable[str]) -> str:
    """Quote names and join them by commas."""
    return ", ".join(identifier(name) for name in names)


def literal(value: str) -> str:
    """Quote a text value."""
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """Quote text values and join them by commas."""
    return ", ".join(literal(value) for value in values)
