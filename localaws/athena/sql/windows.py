"""What may stand around a call: FILTER, IGNORE NULLS, OVER, WITHIN GROUP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.calls import PLAIN, Modifiers
from localaws.athena.sql.expr import Expr
from localaws.athena.sql.operators import comparable

if TYPE_CHECKING:
    from localaws.athena.sql.expressions import Expressions


def filtered(compiler: Expressions, node: exp.Expr) -> Expr:
    """Compile ``call(...) FILTER (WHERE ...)``."""
    return _wrapped(compiler, node, PLAIN, has_over=False)


def windowed(compiler: Expressions, node: exp.Expr) -> Expr:
    """Compile ``call(...) OVER (...)``."""
    if isinstance(node.this, exp.Filter):
        raise QueryError("NOT_SUPPORTED", "FILTER is not yet supported for window functions")
    over = _over(compiler, _definition(node))
    return _wrapped(compiler, node.this, Modifiers(over=over), has_over=True)


def _definition(node: exp.Expr) -> dict[str, Any]:
    """Return the parts of a window, those of the WINDOW clause that it is made from included."""
    own = {part: node.args[part] for part in ("partition_by", "order", "spec") if node.args.get(part)}
    if not node.alias:
        return own
    select = node.find_ancestor(exp.Select)
    named = (select.args.get("windows") or []) if select is not None else []
    for window in named:
        if window.name.lower() == node.alias.lower():
            return {**_definition(window), **own}
    raise QueryError("INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {node.alias}")


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


def _over(compiler: Expressions, definition: dict[str, Any]) -> str:
    parts = []
    if "partition_by" in definition:
        keys = (comparable(compiler.compile(item)).sql for item in definition["partition_by"])
        parts.append(f"PARTITION BY {', '.join(keys)}")
    if "order" in definition:
        parts.append(compiler.order_by(definition["order"]))
    if "spec" in definition:
        parts.append(_frame(compiler, definition["spec"]))
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
