"""Calls: choosing a function's overload and writing it out for DuckDB."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlglot import exp

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.expr import Expr, convert, once
from localaws.athena.sql.functions import functions
from localaws.athena.sql.signatures import Bindings, Signature
from localaws.athena.sql.types import Type, duckdb_type

_SLOT: Final = re.compile(r"(\w+)\[\[(.*?)\]\]")
_CALL: Final = re.compile(r"^\w+\([^()]*\)$")

Argument = Expr | exp.Lambda


class LambdaCompiler(Protocol):
    """Compiles the lambdas among a call's arguments."""

    def compile_lambda(self, node: exp.Lambda, parameters: Sequence[Type]) -> Expr:
        """Compile a lambda whose parameters have these types; its type is that of its body."""

    def compile_body(self, node: exp.Lambda, parameters: Sequence[Expr]) -> Expr:
        """Compile a lambda's body with an expression in the place of each parameter."""


@dataclass(frozen=True)
class Modifiers:
    """What stands around the arguments of an aggregate or window call, as DuckDB's text."""

    distinct: str = ""
    order: str = ""
    nulls: str = ""
    filter: str = ""
    over: str = ""

    def call(self, name: str, arguments: str) -> str:
        """Write the call."""
        return f"{name}({self.distinct}{arguments}{self.order}{self.nulls}){self.filter}{self.over}"

    def apply(self, template: str) -> str:
        """Write every ``name[[arguments]]`` of a template as a call."""
        return _SLOT.sub(lambda slot: self.call(slot[1], slot[2]), template)


PLAIN: Final = Modifiers()


def is_aggregate(name: str) -> bool:
    """Whether a name is that of an aggregate function in the tables."""
    return name in functions("aggregate")


@dataclass(frozen=True)
class Call:
    """One call: its name, its arguments, and what compiles its lambdas."""

    name: str
    arguments: Sequence[Argument]
    lambdas: LambdaCompiler
    modifiers: Modifiers = PLAIN

    def expr(self, overloads: Sequence[Signature]) -> Expr:
        """Compile the call with the overload that needs the fewest conversions."""
        best: tuple[Bindings, tuple[Type, ...], Signature] | None = None
        for signature in overloads:
            patterns = signature.expanded(len(self.arguments))
            bindings = self._bind(patterns) if patterns is not None else None
            if (
                bindings is not None
                and patterns is not None
                and (best is None or bindings.cost < best[0].cost)
            ):
                best = (bindings, patterns, signature)
        if best is None:
            raise self._no_overload(overloads)
        return self._write(*best)

    def _bind(self, patterns: Sequence[Type]) -> Bindings | None:
        bindings = Bindings()
        for pattern, argument in zip(patterns, self.arguments, strict=True):
            if isinstance(argument, exp.Lambda) != (pattern.name == "function"):
                return None
            if isinstance(argument, Expr) and not bindings.match(pattern, argument.type):
                return None
        return bindings

    def _write(self, bindings: Bindings, patterns: Sequence[Type], signature: Signature) -> Expr:
        texts = [self._argument(bindings, *pair) for pair in zip(patterns, self.arguments, strict=True)]
        names = {name: duckdb_type(type_) for name, type_ in bindings.types.items()}
        template = signature.template.replace("{*}", ", ".join(f"{{{i}}}" for i in range(len(texts))))
        sql = self._filled(template, texts, names)
        constant = bool(self.arguments) and all(isinstance(a, Expr) and a.constant for a in self.arguments)
        return Expr(
            sql if _CALL.match(sql) else f"({sql})", bindings.resolve(signature.result), constant=constant
        )

    def _filled(self, template: str, texts: Sequence[str], names: Mapping[str, str]) -> str:
        """Fill a template; what a function of a zoned timestamp reads several times is written once."""
        first, *rest = self.arguments or (None,)
        is_zoned = isinstance(first, Expr) and first.type.name == "timestamptz" and not _SLOT.search(template)
        if is_zoned and all(isinstance(argument, Expr) and argument.constant for argument in rest):
            moment = Expr(texts[0], t.timestamptz())
            return once(moment, lambda m: template.format(m, *texts[1:], **names))
        return self.modifiers.apply(template).format(*texts, **names)

    def _argument(self, bindings: Bindings, pattern: Type, argument: Argument) -> str:
        if isinstance(argument, exp.Lambda):
            body = self.lambdas.compile_lambda(argument, [bindings.resolve(arg) for arg in pattern.args[:-1]])
            if not bindings.match(pattern.args[-1], body.type):
                raise QueryError(
                    "TYPE_MISMATCH", f"Lambda of {self.name} returns {body.type}, expected {pattern.args[-1]}"
                )
            return body.sql
        wanted = bindings.resolve(pattern)
        if wanted.name == argument.type.name and not wanted.args:
            return argument.sql
        return convert(argument, wanted).sql

    def _no_overload(self, overloads: Sequence[Signature]) -> QueryError:
        given = ", ".join(str(a.type) if isinstance(a, Expr) else "function" for a in self.arguments)
        expected = ", ".join(
            f"{self.name}({', '.join(map(str, signature.parameters))})" for signature in overloads
        )
        return QueryError(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters ({given}) for function {self.name}. Expected: {expected}",
        )


def require_arguments(call: Call, low: int, high: int | None = None) -> list[Expr]:
    """Return a call's arguments when there are as many as it takes, and none is a lambda."""
    count = len(call.arguments)
    plain = [argument for argument in call.arguments if isinstance(argument, Expr)]
    if count < low or count > (low if high is None else high) or len(plain) != count:
        raise QueryError("FUNCTION_NOT_FOUND", f"Unexpected number of parameters for function {call.name}")
    return plain


def require_text(call: Call, argument: Expr, what: str) -> str:
    """Return the value of an argument that must be a string literal here."""
    if argument.text is None:
        raise QueryError(
            "NOT_SUPPORTED", f"{call.name} with a {what} that is not a literal is not supported by Local AWS"
        )
    return argument.text


def typed(sql: str, type_: Type, *sources: Expr) -> Expr:
    """Return ``CAST(sql AS type)``."""
    return Expr(f"CAST({sql} AS {duckdb_type(type_)})", type_, constant=all(s.constant for s in sources))


UNITS: Final = {
    "millisecond": "to_milliseconds({})",
    "second": "to_seconds({})",
    "minute": "to_minutes({})",
    "hour": "to_hours({})",
    "day": "to_days(CAST({} AS INTEGER))",
    "week": "to_weeks(CAST({} AS INTEGER))",
    "month": "to_months(CAST({} AS INTEGER))",
    "quarter": "to_months(CAST(3 * {} AS INTEGER))",
    "year": "to_years(CAST({} AS INTEGER))",
}
"""Trino's units of time, and the interval of that many in DuckDB."""

CALENDAR_UNITS: Final = ("day", "week", "month", "quarter", "year")
"""Units that a zoned timestamp moves by on its own calendar, summer time or not."""

_TIME_UNITS: Final = ("millisecond", "second", "minute", "hour")


def unit_of(call: Call, argument: Expr, moment: Type) -> str:
    """Return the unit that a date function was given, checked against the type it works on."""
    unit = require_text(call, argument, "unit").lower()
    if unit not in UNITS or (moment == t.DATE and unit in _TIME_UNITS):
        name = "DATE" if moment == t.DATE else "TIMESTAMP"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {name} field")
    return unit
