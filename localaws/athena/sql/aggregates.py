"""Aggregates with rules of their own: decimals, percentiles, LISTAGG."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.calls import Call, require_arguments, typed
from localaws.athena.sql.expr import Expr
from localaws.athena.sql.functions import functions

Handler = Callable[[Call], Expr]


def _sum(call: Call) -> Expr:
    (argument,) = require_arguments(call, 1)
    if argument.type.name != "decimal":
        return call.expr(functions("aggregate")["sum"])
    return typed(call.modifiers.call("sum", argument.sql), t.decimal(38, argument.type.params[1]))


def _avg(call: Call) -> Expr:
    (argument,) = require_arguments(call, 1)
    if argument.type.name != "decimal":
        return call.expr(functions("aggregate")["avg"])
    scale = argument.type.params[1]
    total = call.modifiers.call(
        "sum", f"CAST({argument.sql} * CAST(1{'0' * scale} AS DECIMAL(38,0)) AS HUGEINT)"
    )
    count = call.modifiers.call("count", argument.sql)
    unit = (
        f"CAST(0.{'0' * (scale - 1)}1 AS DECIMAL({scale + 1},{scale}))"
        if scale
        else "CAST(1 AS DECIMAL(1,0))"
    )
    mean = f"trino_unscaled_divide(CAST({total} AS HUGEINT), nullif({count}, 0))"
    whole = f"CAST({mean} AS DECIMAL({37 - scale},0))"
    return typed(f"{whole} * {unit}", argument.type)


def _approx_percentile(call: Call) -> Expr:
    """Compile ``approx_percentile(x, p)``: of n sorted values the one at ``floor(p * n)``, counted from 0.

    That is what Trino's digest answers as long as it holds every value; more values than that it only
    approximates, and the exact answer lies within its error. DuckDB counts from the other end when the
    quantile is negative.
    """
    value, *rest = require_arguments(call, 2, 4)
    if len(rest) != 1:
        raise NotSupportedError("approx_percentile with weights or an accuracy")
    if value.type.name not in t.NUMBERS:
        raise QueryError(
            "FUNCTION_NOT_FOUND", f"Unexpected parameters ({value.type}) for function approx_percentile"
        )
    percentile = rest[0]
    if not percentile.constant:
        raise NotSupportedError("approx_percentile with a percentile that is not a constant")
    many = percentile.type.name == "array"
    quantile = f"CAST({percentile.sql} AS {'DOUBLE[]' if many else 'DOUBLE'})"
    # Trino has it for these three types alone
    value_type = {"real": t.REAL, "double": t.DOUBLE, "decimal": t.DOUBLE}.get(value.type.name, t.BIGINT)
    argument = f"CAST({value.sql} AS {t.duckdb_type(value_type)})"
    lowered = (
        f"list_transform({quantile}, lambda p_: trino_descending(p_))"
        if many
        else f"trino_descending({quantile})"
    )
    sql = call.modifiers.call("quantile_disc", f"{argument}, {lowered}")
    return typed(sql, t.array(value_type) if many else value_type)


def _listagg(call: Call) -> Expr:
    (value, *rest) = require_arguments(call, 1, 2)
    separator = rest[0].sql if rest else "''"
    return Expr(call.modifiers.call("string_agg", f"{value.sql}, {separator}"), t.VARCHAR)


SPECIAL_AGGREGATES: Final[dict[str, Handler]] = {
    "approx_percentile": _approx_percentile,
    "avg": _avg,
    "listagg": _listagg,
    "sum": _sum,
}
"""Aggregates that the table cannot describe, by name."""
