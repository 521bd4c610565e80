"""What may stand around a call: FILTER, IGNORE NULLS, OVER, WITHIN GROUP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.athena.failure import NotSupportedError
from localaws.athena.sql import types as t
from localaws.athena.sql.calls import PLAIN, Modifiers
from localaws.athena.sql.expr import Expr

if TYPE_CHECKING:
    from localaws.athena.sql.expressions import Expressions


def filtered(compiler: Expressions, node: exp.Expr) -> Expr:
    """Compile ``call(...) FILTER (WHERE ...)``."""
    return _wrapped(compiler, node, PLAIN, has_over=False)


def windowed(compiler: Expressions, node: exp.Expr) -> Expr:
    """Compile ``call(...) OVER (...)``."""
    unknown = {k for k, v in node.args.items() if v} - {"this", "partition_by", "order", "spec", "over"}
    if unknown:
        raise NotSupportedError(f"window {node.sql('trino')}")
    return _wrapped(compiler, node.this, Modifiers(over=_over(compiler, node)), has_over=True)


def _wrapped(compiler: Expressions, node: exp.Expr, modifiers: Modifiers, has_over: bool) -> Expr:
    match node:
        case exp.Filter():
            condition = compiler.boolean(node.expression.this, "FILTER condition")
            inner = replace(modifiers, filter=f" FILTER (WHERE {condition.sql})")
            return _wrapped(compiler, node.this, inner, has_over)
        case exp.IgnoreNulls():
            return _wrapped(compiler, node.this, replace(modifiers, nulls=" IGNORE NULLS"), has_over)
        case exp.RespectNulls():
            return _wrapped(compiler, node.this, modifiers, has_over)
        case exp.GroupConcat():
            return listagg(compiler, node, modifiers)
        case exp.Anonymous():
            return compiler.call(node, modifiers, has_over)
        case _:
            raise NotSupportedError(f"expression {node.sql('trino')}")


def listagg(compiler: Expressions, node: exp.Expr, modifiers: Modifiers) -> Expr:
    """Compile ``LISTAGG(value, separator) WITHIN GROUP (ORDER BY ...)``."""
    value, order = node.this, ""
    if isinstance(value, exp.Order):
        value, order = value.this, " " + compiler.order_by(value)
    distinct = ""
    if isinstance(value, exp.Distinct):
        value, distinct = value.expressions[0], "DISTINCT "
    separator = compiler.compile(node.args["separator"]).sql if node.args.get("separator") else "''"
    inner = replace(modifiers, order=order, distinct=distinct)
    return Expr(inner.call("string_agg", f"{compiler.compile(value).sql}, {separator}"), t.VARCHAR)


def _over(compiler: Expressions, node: exp.Expr) -> str:
    parts = []
    partition = node.args.get("partition_by")
    if partition:
        parts.append("PARTITION BY " + ", ".join(compiler.compile(item).sql for item in partition))
    if node.args.get("order"):
        parts.append(compiler.order_by(node.args["order"]))
    if node.args.get("spec"):
        parts.append(_frame(compiler, node.args["spec"]))
    return f" OVER ({' '.join(parts)})"


def _frame(compiler: Expressions, spec: exp.Expr) -> str:
    if spec.args.get("exclude"):
        raise NotSupportedError("EXCLUDE in a window frame")
    start = _bound(compiler, spec, "start")
    end = _bound(compiler, spec, "end") if spec.args.get("end") else "CURRENT ROW"
    return f"{spec.args['kind'].upper()} BETWEEN {start} AND {end}"


def _bound(compiler: Expressions, spec: exp.Expr, name: str) -> str:
    bound, side = spec.args[name], spec.args.get(f"{name}_side")
    text = bound.upper() if isinstance(bound, str) else compiler.compile(bound).sql
    return f"{text} {side.upper()}" if side else text
