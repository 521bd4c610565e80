"""A compiled expression, and the conversions that Trino makes without being asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.types import Type

_SIMPLE: Final = re.compile(r'[\w.]+|"[^"]+"(\.[\w.]+)?|\w+\."[^"]+"')


class Scan(Protocol):
    """What an expression needs to know of the table reference that a column came from."""

    relation: str


@dataclass(frozen=True)
class Origin:
    """The table column that an expression passes on unchanged."""

    scan: Scan
    column: str


@dataclass(frozen=True)
class Expr:
    """A Trino expression compiled to DuckDB.

    Parameters
    ----------
    sql
        DuckDB's text for it, safe to stand in any larger expression.
    type
        Its Trino type.
    origin
        The table column it is, when it is nothing else.
    constant
        Whether it can be computed before any row is read.
    text
        The value, when it is a string literal.
    """

    sql: str
    type: Type
    origin: Origin | None = None
    constant: bool = False
    text: str | None = None


def null() -> Expr:
    """Return NULL."""
    return Expr("NULL", t.UNKNOWN, constant=True)


def derived(sql: str, type_: Type, *sources: Expr) -> Expr:
    """Return an expression made of others."""
    return Expr(sql, type_, constant=all(source.constant for source in sources))


def once(expr: Expr, build: Callable[[str], str]) -> str:
    """Return what ``build`` makes of an expression, written out once however often that names it.

    Macros copy their arguments, so an expression inside another inside a third would grow without bound.
    """
    if _SIMPLE.fullmatch(expr.sql):
        return build(expr.sql)
    return f"list_transform([{expr.sql}], lambda once_: {build('once_')})[1]"


def convert(expr: Expr, target: Type) -> Expr:
    """Convert an expression to a type that Trino converts it to by itself."""
    source = expr.type
    if source == target:
        return expr
    if source == t.UNKNOWN:
        return replace(expr, sql=f"CAST({expr.sql} AS {t.duckdb_type(target)})", type=target)
    if target.name == "timestamptz" and source.name in ("date", "timestamp"):
        return derived(f"trino_utc(CAST({expr.sql} AS TIMESTAMP))", target, expr)
    if t.duckdb_type(source) == t.duckdb_type(target):
        return replace(expr, type=target)
    if _zoned(source) != _zoned(target):
        raise QueryError("TYPE_MISMATCH", f"Cannot convert {source} to {target}; cast it")
    return derived(f"CAST({expr.sql} AS {t.duckdb_type(target)})", target, expr)


def _zoned(type_: Type) -> bool:
    return type_.name == "timestamptz" or any(_zoned(arg) for arg in type_.args)


def unify(exprs: list[Expr], what: str) -> tuple[Type, list[Expr]]:
    """Convert expressions to their common type, as CASE, COALESCE, IN and UNION do."""
    common = t.UNKNOWN
    for expr in exprs:
        wider = t.common_type(common, expr.type)
        if wider is None:
            raise QueryError(
                "TYPE_MISMATCH",
                f"All {what} must be the same type or coercible to a common type: {common}, {expr.type}",
            )
        common = wider
    return common, [convert(expr, common) for expr in exprs]
