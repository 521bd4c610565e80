"""Trino's operators: result types, integer and decimal arithmetic, comparisons."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.expr import Expr, convert, derived, once
from localaws.athena.sql.types import Type

_NAN_FALSE: Final = ("=", "<", "<=", ">", ">=")
_ITEMWISE: Final = ("=", "<>")
_NUMBER: Final = re.compile(r"CAST\([-\d.eE+]+ AS \w+\)|[-\d.eE+]+")


def mismatch(operator: str, left: Expr, right: Expr) -> QueryError:
    """Return the failure for an operator that the two types do not have."""
    return QueryError("TYPE_MISMATCH", f"Cannot apply operator: {left.type} {operator} {right.type}")


def compare(operator: str, left: Expr, right: Expr) -> Expr:
    """Compile ``=``, ``<>``, ``<``, ``<=``, ``>``, ``>=`` or ``IS [NOT] DISTINCT FROM``."""
    common = t.common_type(left.type, right.type)
    if common is None:
        raise mismatch(operator, left, right)
    if common.name == "array" and operator in _ITEMWISE:
        return _compare_arrays(operator, *(convert(side, common) for side in (left, right)))
    if "char" in (left.type.name, right.type.name):
        left, right = (_unpadded(side) for side in (left, right))
    sides = [comparable(convert(side, common)) for side in (left, right)]
    sql = f"{sides[0].sql} {operator} {sides[1].sql}"
    if common.name in ("real", "double"):
        sql = _without_nan(sql, operator, sides)
    return derived(f"({sql})", t.BOOLEAN, left, right)


def _unpadded(side: Expr) -> Expr:
    """Drop the blanks at the end, which count for nothing where a side is CHAR."""
    return derived(f"rtrim({side.sql}, ' ')", side.type, side)


def _compare_arrays(operator: str, left: Expr, right: Expr) -> Expr:
    """Compare item by item: where no pair decides, a NULL leaves the answer open."""
    (element,) = left.type.args
    same = compare("=", Expr("pair_[1]", element), Expr("pair_[2]", element))
    pairs = f"list_transform(list_zip({left.sql}, {right.sql}), lambda pair_: {same.sql})"
    as_long = f"(len({left.sql}) = len({right.sql}))"
    equal = f"CASE WHEN {as_long} THEN trino_all({pairs}) ELSE {as_long} END"
    return derived(f"({equal})" if operator == "=" else f"(NOT {equal})", t.BOOLEAN, left, right)


def _without_nan(sql: str, operator: str, sides: list[Expr]) -> str:
    """Let NaN equal nothing; DuckDB takes it for the greatest number, equal to itself."""
    open_sides = [f"isnan({side.sql})" for side in sides if not _NUMBER.fullmatch(side.sql)]
    if not open_sides or operator not in _NAN_FALSE:
        return f"{sql} OR {' AND '.join(open_sides)}" if len(open_sides) == 2 and operator == "<>" else sql
    return f"{sql} AND NOT ({' OR '.join(open_sides)})"


def comparable(expr: Expr) -> Expr:
    """Return what stands for an expression in comparisons: of zoned timestamps, the instant."""
    if expr.type.name == "timestamptz":
        return derived(f"({expr.sql}).utc", t.timestamp(expr.type.params[0]), expr)
    return expr


def arithmetic(operator: str, left: Expr, right: Expr) -> Expr:
    """Compile ``+``, ``-``, ``*``, ``/`` or ``%``."""
    if left.type == right.type == t.UNKNOWN:
        return derived("CAST(NULL AS INTEGER)", t.INTEGER, left, right)
    if left.type == t.UNKNOWN:
        left = convert(left, right.type)
    if right.type == t.UNKNOWN:
        right = convert(right, left.type)
    if left.type.name in t.NUMBERS and right.type.name in t.NUMBERS:
        return _numeric(operator, left, right)
    if operator in "+-":
        moved = _move(operator, left, right)
        if moved is not None:
            return moved
    if operator == "*" and left.type.name in t.NUMBERS and right.type.name in t.INTERVALS:
        left, right = right, left
    if operator in "*/" and left.type.name in t.INTERVALS and right.type.name in t.NUMBERS:
        return derived(f"({left.sql} {operator} {convert(right, t.DOUBLE).sql})", left.type, left, right)
    raise mismatch(operator, left, right)


def _numeric(operator: str, left: Expr, right: Expr) -> Expr:
    common = t.common_type(left.type, right.type)
    if common is None:
        raise mismatch(operator, left, right)
    if common.name == "decimal":
        return _decimal(operator, left, right)
    a, b = convert(left, common).sql, convert(right, common).sql
    if operator in "/%" and common.name in t.INTEGERS:
        name = "divide" if operator == "/" else "modulus"
        return _typed(f"trino_integer_{name}({a}, {b})", common, left, right)
    if operator == "/":
        return _typed(f"({a} / {b})", common, left, right)
    return derived(f"({a} {operator} {b})", common, left, right)


def _typed(sql: str, type_: Type, *sources: Expr) -> Expr:
    return derived(f"CAST({sql} AS {t.duckdb_type(type_)})", type_, *sources)


def _decimal(operator: str, left: Expr, right: Expr) -> Expr:
    lt, rt = t.as_decimal(left.type), t.as_decimal(right.type)
    result = _decimal_result(operator, lt, rt)
    a, b = convert(left, lt).sql, convert(right, rt).sql
    if operator == "/":
        return _decimal_division(convert(left, lt), convert(right, rt), result)
    if operator == "%":
        zero = f"CAST(trino_fail('DIVISION_BY_ZERO: Division by zero') AS {t.duckdb_type(rt)})"
        return _typed(f"({a} % CASE WHEN {b} = 0 THEN {zero} ELSE {b} END)", result, left, right)
    return _typed(f"({a} {operator} {b})", result, left, right)


def _decimal_result(operator: str, left: Type, right: Type) -> Type:
    (p1, s1), (p2, s2) = left.params, right.params
    match operator:
        case "*":
            return t.decimal(p1 + p2, s1 + s2)
        case "/":
            return t.decimal(p1 + s2 + max(0, s2 - s1), max(s1, s2))
        case "%":
            return t.decimal(min(p1 - s1, p2 - s2) + max(s1, s2), max(s1, s2))
        case _:
            return t.decimal(max(p1 - s1, p2 - s2) + max(s1, s2) + 1, max(s1, s2))


def _decimal_division(left: Expr, right: Expr, result: Type) -> Expr:
    """Divide unscaled integers, because DuckDB divides decimals as doubles."""
    scale = result.params[1]
    (_, s1), (_, s2) = left.type.params, right.type.params
    a = f"CAST({left.sql} * CAST(1{'0' * s1} AS DECIMAL(38,0)) AS HUGEINT) * 1{'0' * (scale - s1 + s2)}"
    b = f"CAST({right.sql} * CAST(1{'0' * s2} AS DECIMAL(38,0)) AS HUGEINT)"
    unit = (
        f"CAST(0.{'0' * (scale - 1)}1 AS DECIMAL({scale + 1},{scale}))"
        if scale
        else "CAST(1 AS DECIMAL(1,0))"
    )
    whole = f"CAST(trino_unscaled_divide({a}, {b}) AS DECIMAL({38 - scale - 1},0))"
    return _typed(f"{whole} * {unit}", result, left, right)


def _move(operator: str, left: Expr, right: Expr) -> Expr | None:
    """Compile sums and differences of dates, timestamps and intervals."""
    lname, rname = left.type.name, right.type.name
    if lname in t.INTERVALS and rname in t.DATETIMES and operator == "+":
        return _shifted(right, "+", left)
    if lname in t.DATETIMES and rname in t.INTERVALS:
        return _shifted(left, operator, right)
    if lname in t.DATETIMES and rname in t.DATETIMES and operator == "-":
        sides = [f"CAST({comparable(side).sql} AS TIMESTAMP)" for side in (left, right)]
        return derived(f"({sides[0]} - {sides[1]})", t.DAY_TO_SECOND, left, right)
    if lname == rname and lname in t.INTERVALS:
        return derived(f"({left.sql} {operator} {right.sql})", left.type, left, right)
    return None


def _shifted(moment: Expr, operator: str, interval: Expr) -> Expr:
    if interval.type != t.DAY_TO_SECOND:
        return shift_local(moment, operator, interval.sql)
    if moment.type == t.DATE:
        return shift(moment, operator, f"trino_whole_days({interval.sql})")
    # such an interval has milliseconds
    precision = max(3, moment.type.params[0])
    return replace(shift(moment, operator, interval.sql), type=Type(moment.type.name, (precision,)))


def shift(moment: Expr, operator: str, interval: str) -> Expr:
    """Add an interval to a date or timestamp, or subtract it, and keep the type."""
    if moment.type.name == "timestamptz":
        value = once(moment, lambda m: f"trino_zoned({m}.utc {operator} {interval}, {m}.zone)")
        return derived(value, moment.type, moment)
    return _typed(f"({moment.sql} {operator} {interval})", moment.type, moment)


def shift_local(moment: Expr, operator: str, interval: str) -> Expr:
    """Do the same, a zoned timestamp on the calendar of its zone."""
    if moment.type.name != "timestamptz":
        return shift(moment, operator, interval)
    value = once(moment, lambda m: f"trino_with_zone(trino_local({m}) {operator} {interval}, {m}.zone)")
    return derived(value, moment.type, moment)


def negate(operand: Expr) -> Expr:
    """Compile unary minus."""
    if operand.type.name in (*t.NUMBERS, *t.INTERVALS, "unknown"):
        return derived(f"(-{operand.sql})", operand.type, operand)
    raise QueryError("TYPE_MISMATCH", f"Cannot negate {operand.type}")


_JOINABLE: Final = ("varchar", "char")
_LONGEST_CHAR: Final = 65536


def concatenate(left: Expr, right: Expr) -> Expr:
    """Compile ``||`` for text, bytes and arrays."""
    a, b = left.type, right.type
    if t.UNKNOWN in (a, b):
        return _concatenate_null(left, right)
    if a.name == "char" or b.name == "char":
        return _concatenate_padded(left, right)
    if a.name == b.name == "varchar":
        return derived(f"({left.sql} || {right.sql})", t.VARCHAR, left, right)
    if a.name == b.name == "varbinary":
        return derived(f"({left.sql} || {right.sql})", t.VARBINARY, left, right)
    if "array" in (a.name, b.name):
        return _concatenate_arrays(left, right)
    raise _no_concat(left, right)


def _no_concat(left: Expr, right: Expr) -> QueryError:
    return QueryError(
        "FUNCTION_NOT_FOUND", f"Unexpected parameters ({left.type}, {right.type}) for function concat"
    )


def _concatenate_null(left: Expr, right: Expr) -> Expr:
    """Compile ``||`` with NULL, which Trino takes for an array wherever it can."""
    other = right.type if left.type == t.UNKNOWN else left.type
    if other in (t.UNKNOWN, t.VARCHAR) or other.name == "array":
        raise QueryError(
            "AMBIGUOUS_FUNCTION_CALL",
            "Could not choose a best candidate operator. Explicit type casts must be added.",
        )
    joined = t.array(other)
    return derived(f"CAST(NULL AS {t.duckdb_type(joined)})", joined, left, right)


def _concatenate_padded(left: Expr, right: Expr) -> Expr:
    """Compile ``||`` where a side is CHAR, to which Trino then converts the other."""
    if not {left.type.name, right.type.name} <= set(_JOINABLE):
        raise _no_concat(left, right)
    lengths = [side.type.params[0] if side.type.params else _LONGEST_CHAR for side in (left, right)]
    if sum(lengths) > _LONGEST_CHAR:
        raise QueryError("TYPE_NOT_FOUND", f"Unknown type: char({sum(lengths)})")
    texts = [f"rpad({side.sql}, {length}, ' ')" for side, length in zip((left, right), lengths, strict=True)]
    return derived(f"({' || '.join(texts)})", Type("char", (sum(lengths),)), left, right)


def _concatenate_arrays(left: Expr, right: Expr) -> Expr:
    sides = [
        side if side.type.name == "array" else derived(f"[{side.sql}]", t.array(side.type), side)
        for side in (left, right)
    ]
    common = t.common_type(sides[0].type, sides[1].type)
    if common is None:
        raise _no_concat(left, right)
    a, b = (convert(side, common).sql for side in sides)
    # list_concat takes NULL for an empty list; the operator does not
    return derived(f"({a} || {b})", common, left, right)
