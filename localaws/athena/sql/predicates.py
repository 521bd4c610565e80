"""Conditions that say which files and partitions of a table need not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from localaws.athena.sql import operators
from localaws.athena.sql.catalog import Predicate, TableScan
from localaws.athena.sql.expr import Expr, Origin
from localaws.athena.sql.expressions import Expressions
from localaws.athena.sql.scopes import Scope
from localaws.athena.sql.types import Type, quote

_OPERATORS: Final[dict[type[exp.Expr], tuple[str, str]]] = {
    exp.EQ: ("=", "="),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}
_REFUSED: Final = (exp.Query, exp.Is, exp.Case, exp.If, exp.Not)
"""What may hold for a row that an outer join filled with NULLs, or asks more than this row."""


def conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the conditions that must all hold."""
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from conjuncts(node.left)
        yield from conjuncts(node.right)
    elif isinstance(node, exp.Between):
        yield exp.GTE(this=node.this.copy(), expression=node.args["low"].copy())
        yield exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
    else:
        yield node


@dataclass
class _TableNames:
    """Names of which every one must be a column of the same table, written ``p."name"``."""

    scope: Scope
    scan: TableScan | None = None
    columns: frozenset[str] = frozenset()
    foreign: bool = False

    def column(self, parts: Sequence[str], node: exp.Expr) -> Expr:
        expr = self.scope.column(parts, node)
        origin = expr.origin
        if origin is None or not isinstance(origin.scan, TableScan) or self.scan not in (None, origin.scan):
            self.foreign = True
            return expr
        self.scan = origin.scan
        self.columns |= {origin.column}
        return Expr(f"p.{quote(origin.column)}", expr.type, origin)

    def with_parameters(self, parameters: dict[str, Expr]) -> Scope:
        self.foreign = True
        return self.scope.with_parameters(parameters)

    def subquery(self, query: exp.Query, columns: int | None) -> tuple[str, list[Type]]:
        self.foreign = True
        return self.scope.subquery(query, columns)


def push_down(condition: exp.Expr, scope: Scope) -> None:
    """Note a condition at the table it is about, when it is about one table alone."""
    if condition.find(*_REFUSED) is not None:
        return
    names = _TableNames(scope)
    compiler = Expressions(names)
    expr = compiler.boolean(condition, "WHERE clause")
    if names.foreign or names.scan is None or _may_hide_null(condition):
        return
    comparison = _comparison(condition, compiler)
    names.scan.predicates.append(Predicate(expr.sql, names.columns, comparison))


def _may_hide_null(condition: exp.Expr) -> bool:
    """Whether a call could turn a NULL that an outer join brought into something that passes."""
    hiding = ("coalesce", "if", "nullif", "try", "concat_ws")
    return any(call.name.lower() in hiding for call in condition.find_all(exp.Anonymous))


def _comparison(node: exp.Expr, compiler: Expressions) -> tuple[str, str, tuple[str, ...]] | None:
    if isinstance(node, exp.In) and not node.args.get("query"):
        column, values = compiler.compile(node.this), [compiler.compile(item) for item in node.expressions]
        return _simple(column, "in", values)
    if type(node) not in _OPERATORS:
        return None
    operator, mirrored = _OPERATORS[type(node)]
    left, right = compiler.compile(node.this), compiler.compile(node.expression)
    return _simple(left, operator, [right]) or _simple(right, mirrored, [left])


def _simple(column: Expr, operator: str, values: list[Expr]) -> tuple[str, str, tuple[str, ...]] | None:
    origin: Origin | None = column.origin
    if origin is None or not all(value.constant for value in values):
        return None
    return origin.column, operator, tuple(operators.comparable(value).sql for value in values)
