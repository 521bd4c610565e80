"""Literals: numbers and intervals."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.expr import Expr
from localaws.athena.sql.types import duckdb_type, literal

_INTERVAL_UNITS: Final = ("second", "minute", "hour", "day", "week", "month", "year")


def number(text: str) -> Expr:
    """Compile a number as it is written."""
    digits = text.lstrip("-")
    if re.fullmatch(r"\d+", digits):
        type_ = t.INTEGER if -(2**31) <= int(text) < 2**31 else t.BIGINT
        if not -(2**63) <= int(text) < 2**63:
            raise QueryError("INVALID_LITERAL", f"Invalid numeric literal: {text}")
    elif re.fullmatch(r"\d*\.\d*", digits):
        whole, fraction = digits.split(".")
        type_ = t.decimal(max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    else:
        type_ = t.DOUBLE
    return Expr(f"CAST({text} AS {duckdb_type(type_)})", type_, constant=True)


def interval(node: exp.Expr) -> Expr:
    """Compile an interval of one unit."""
    unit = node.args.get("unit")
    name = unit.name.lower() if isinstance(unit, exp.Var) else ""
    text = node.this.name if isinstance(node.this, exp.Literal) else ""
    if name not in _INTERVAL_UNITS or not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise NotSupportedError(f"interval {node.sql('trino')}")
    type_ = t.YEAR_TO_MONTH if name in ("month", "year") else t.DAY_TO_SECOND
    return Expr(f"INTERVAL {literal(text)} {name.upper()}", type_, constant=True)
