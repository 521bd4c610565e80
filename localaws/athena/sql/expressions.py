"""Compiling Trino's expressions to DuckDB, with their types; what is not known here is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import operators
from localaws.athena.sql import types as t
from localaws.athena.sql.aggregates import SPECIAL_AGGREGATES
from localaws.athena.sql.calls import PLAIN, Argument, Call, Modifiers, is_aggregate
from localaws.athena.sql.casts import cast
from localaws.athena.sql.expr import Expr, convert, derived, null, unify
from localaws.athena.sql.functions import functions
from localaws.athena.sql.parser import EXPLICIT
from localaws.athena.sql.special import CURRENT, SPECIAL
from localaws.athena.sql.type_text import parse_type
from localaws.athena.sql.types import Type, duckdb_type, literal, quote
from localaws.athena.sql.windows import filtered, listagg, windowed

_COMPARISONS: Final[dict[type[exp.Expr], str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_ARITHMETIC: Final[dict[type[exp.Expr], str]] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_CURRENT: Final[dict[type[exp.Expr], str]] = {
    exp.CurrentTimestamp: "now",
    exp.CurrentDate: "current_date",
    exp.Localtimestamp: "localtimestamp",
}
_INTERVAL_UNITS: Final = ("second", "minute", "hour", "day", "week", "month", "year")


class Names(Protocol):
    """What resolves the names of an expression, and compiles the queries inside it."""

    def column(self, parts: Sequence[str], node: exp.Expr) -> Expr:
        """Return the column, field or lambda parameter that a dotted name means."""

    def with_parameters(self, parameters: dict[str, Expr]) -> Names:
        """Return names with a lambda's parameters in front."""

    def subquery(self, query: exp.Query, columns: int | None) -> tuple[str, list[Type]]:
        """Compile a nested query that must have so many columns, if a number is given."""


class Expressions:
    """Compiles expressions whose names mean what ``names`` says."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def compile(self, node: exp.Expr) -> Expr:
        """Compile one expression."""
        try:
            return self._compile(node)
        except QueryError as error:
            if error.position is None:
                error.position = position_of(node)
            raise

    def _compile(self, node: exp.Expr) -> Expr:
        handler = _HANDLERS.get(type(node))
        if handler is None:
            for kinds, method in ((_COMPARISONS, self._comparison), (_ARITHMETIC, self._arithmetic)):
                if type(node) in kinds:
                    return method(node)
            raise NotSupportedError(f"expression {node.sql('trino')}")
        return handler(self, node)

    def boolean(self, node: exp.Expr, where: str) -> Expr:
        """Compile an expression that must be boolean."""
        expr = self.compile(node)
        if expr.type not in (t.BOOLEAN, t.UNKNOWN):
            raise QueryError("TYPE_MISMATCH", f"{where} must evaluate to a boolean: actual type {expr.type}")
        return expr

    def _comparison(self, node: exp.Expr) -> Expr:
        operator = _COMPARISONS[type(node)]
        right = node.expression
        if isinstance(right, exp.All | exp.Any):
            return self._quantified(operator, self.compile(node.this), right)
        return operators.compare(operator, self.compile(node.this), self.compile(right))

    def _quantified(self, operator: str, left: Expr, right: exp.Expr) -> Expr:
        sql, (column,) = self._names.subquery(_query_of(right.this), 1)
        operators.compare(operator, left, Expr("NULL", column))
        word = "ALL" if isinstance(right, exp.All) else "ANY"
        return Expr(f"({left.sql} {operator} {word} ({sql}))", t.BOOLEAN)

    def _arithmetic(self, node: exp.Expr) -> Expr:
        return operators.arithmetic(
            _ARITHMETIC[type(node)], self.compile(node.this), self.compile(node.expression)
        )

    def _logical(self, node: exp.Connector) -> Expr:
        word = "AND" if isinstance(node, exp.And) else "OR"
        sides = [self.boolean(side, f"Logical expression term of {word}") for side in (node.left, node.right)]
        return derived(f"({sides[0].sql} {word} {sides[1].sql})", t.BOOLEAN, *sides)

    def _not(self, node: exp.Expr) -> Expr:
        operand = self.boolean(node.this, "Value of logical NOT expression")
        return derived(f"(NOT {operand.sql})", t.BOOLEAN, operand)

    def _is(self, node: exp.Expr) -> Expr:
        operand = self.compile(node.this)
        if isinstance(node.expression, exp.Null):
            return derived(f"({operand.sql} IS NULL)", t.BOOLEAN, operand)
        raise NotSupportedError(f"expression {node.sql('trino')}")

    def _literal(self, node: exp.Expr) -> Expr:
        text = node.this
        if node.is_string:
            return Expr(literal(text), t.varchar(len(text)), constant=True, text=text)
        return _number(text)

    def _boolean_literal(self, node: exp.Expr) -> Expr:
        return Expr("true" if node.this else "false", t.BOOLEAN, constant=True)

    def _null(self, node: exp.Expr) -> Expr:
        return null()

    def _hex(self, node: exp.Expr) -> Expr:
        return Expr(f"unhex({literal(node.this)})", t.VARBINARY, constant=True)

    def _paren(self, node: exp.Expr) -> Expr:
        return self.compile(node.this)

    def _negative(self, node: exp.Expr) -> Expr:
        if isinstance(node.this, exp.Literal) and not node.this.is_string:
            return _number(f"-{node.this.this}")
        return operators.negate(self.compile(node.this))

    def _concatenation(self, node: exp.Expr) -> Expr:
        return operators.concatenate(self.compile(node.this), self.compile(node.expression))

    def _column(self, node: exp.Expr) -> Expr:
        if isinstance(node.this, exp.Star):
            raise QueryError("SYNTAX_ERROR", "'*' is not allowed here")
        parts = [node.args[key].name for key in ("catalog", "db", "table", "this") if node.args.get(key)]
        return self._names.column(parts, node)

    def _identifier(self, node: exp.Expr) -> Expr:
        return self._names.column([node.name], node)

    def _field(self, node: exp.Expr) -> Expr:
        if not isinstance(node.expression, exp.Identifier):
            raise NotSupportedError(f"expression {node.sql('trino')}")
        return field_of(self.compile(node.this), node.expression.name)

    def _subscript(self, node: exp.Expr) -> Expr:
        if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
            raise NotSupportedError(f"expression {node.sql('trino')}")
        base, index = self.compile(node.this), self.compile(node.expressions[0])
        if base.type.name == "array" and index.type.name in t.INTEGERS:
            return derived(f"trino_at({base.sql}, {index.sql})", base.type.args[0], base, index)
        if base.type.name == "map":
            key = convert(index, base.type.args[0])
            return derived(f"trino_map_at({base.sql}, {key.sql})", base.type.args[1], base, index)
        if base.type.name == "row" and re.fullmatch(r"\d+", node.expressions[0].name):
            return field_of(base, base.type.fields[int(node.expressions[0].name) - 1])
        raise QueryError("TYPE_MISMATCH", f"Cannot use {index.type} for subscript of {base.type}")

    def _cast(self, node: exp.Cast) -> Expr:
        if node.to.is_type("decimal") and not node.to.expressions and EXPLICIT not in node.meta:
            return _number(node.this.name)
        result = cast(self.compile(node.this), type_of(node.to))
        if isinstance(node, exp.TryCast):
            return derived(f"TRY({result.sql})", result.type, result)
        return result

    def _case(self, node: exp.Expr) -> Expr:
        subject = self.compile(node.this) if node.this else None
        conditions, values = [], []
        for branch in node.args["ifs"]:
            if subject is None:
                conditions.append(self.boolean(branch.this, "CASE WHEN clause"))
            else:
                conditions.append(operators.compare("=", subject, self.compile(branch.this)))
            values.append(self.compile(branch.args["true"]))
        default = node.args.get("default")
        type_, values = unify([*values, self.compile(default) if default else null()], "CASE results")
        *results, otherwise = values
        arms = " ".join(f"WHEN {c.sql} THEN {r.sql}" for c, r in zip(conditions, results, strict=True))
        return derived(f"CASE {arms} ELSE {otherwise.sql} END", type_, *conditions, *values)

    def _if(self, node: exp.Expr) -> Expr:
        condition = self.boolean(node.this, "IF condition")
        default = node.args.get("false")
        values = [self.compile(node.args["true"]), self.compile(default) if default else null()]
        type_, (yes, no) = unify(values, "IF results")
        return derived(
            f"CASE WHEN {condition.sql} THEN {yes.sql} ELSE {no.sql} END", type_, condition, yes, no
        )

    def _between(self, node: exp.Expr) -> Expr:
        value, low, high = (self.compile(node.args[key]) for key in ("this", "low", "high"))
        above, below = operators.compare(">=", value, low), operators.compare("<=", value, high)
        return derived(f"({above.sql} AND {below.sql})", t.BOOLEAN, above, below)

    def _in(self, node: exp.Expr) -> Expr:
        value = self.compile(node.this)
        if node.args.get("query"):
            return self._in_query(value, node.args["query"])
        if node.args.get("unnest") or node.args.get("field"):
            raise NotSupportedError(f"expression {node.sql('trino')}")
        _, exprs = unify([value, *map(self.compile, node.expressions)], "IN values")
        first, *others = (operators.comparable(expr).sql for expr in exprs)
        return derived(f"({first} IN ({', '.join(others)}))", t.BOOLEAN, *exprs)

    def _in_query(self, value: Expr, query: exp.Expr) -> Expr:
        sql, (column,) = self._names.subquery(_query_of(query), 1)
        common = t.common_type(value.type, column)
        if common is None:
            raise QueryError(
                "TYPE_MISMATCH",
                f"Value and result of subquery must be of the same type: {value.type}, {column}",
            )
        return Expr(f"({convert(value, common).sql} IN ({sql}))", t.BOOLEAN)

    def _exists(self, node: exp.Expr) -> Expr:
        sql, _ = self._names.subquery(_query_of(node.this), None)
        return Expr(f"EXISTS ({sql})", t.BOOLEAN)

    def _scalar_subquery(self, node: exp.Expr) -> Expr:
        sql, (column,) = self._names.subquery(_query_of(node), 1)
        return Expr(f"({sql})", column)

    def _like(self, node: exp.Expr) -> Expr:
        escape = None
        if isinstance(node, exp.Escape):
            node, escape = node.this, self.compile(node.expression)
        if type(node) is not exp.Like:
            raise NotSupportedError(f"expression {node.sql('trino')}")
        value, pattern = self.compile(node.this), self.compile(node.expression)
        for side in (value, pattern):
            if side.type.name not in ("varchar", "char", "unknown"):
                raise QueryError(
                    "TYPE_MISMATCH",
                    f"Left side of LIKE expression must evaluate to a varchar (actual: {side.type})",
                )
        suffix = f" ESCAPE {escape.sql}" if escape else ""
        return derived(f"({value.sql} LIKE {pattern.sql}{suffix})", t.BOOLEAN, value, pattern)

    def _interval(self, node: exp.Expr) -> Expr:
        unit = node.args.get("unit")
        name = unit.name.lower() if isinstance(unit, exp.Var) else ""
        text = node.this.name if isinstance(node.this, exp.Literal) else ""
        if name not in _INTERVAL_UNITS or not re.fullmatch(r"-?\d+(\.\d+)?", text):
            raise NotSupportedError(f"interval {node.sql('trino')}")
        type_ = t.YEAR_TO_MONTH if name in ("month", "year") else t.DAY_TO_SECOND
        return Expr(f"INTERVAL {literal(text)} {name.upper()}", type_, constant=True)

    def _array(self, node: exp.Expr) -> Expr:
        element, items = unify([self.compile(item) for item in node.expressions], "ARRAY elements")
        return derived(f"[{', '.join(item.sql for item in items)}]", t.array(element), *items)

    def _extract(self, node: exp.Expr) -> Expr:
        return self._named(node.name.lower(), [self.compile(node.expression)])

    def _substring(self, node: exp.Expr) -> Expr:
        parts = [node.this, node.args.get("start"), node.args.get("length")]
        return self._named("substr", [self.compile(part) for part in parts if part])

    def _position(self, node: exp.Expr) -> Expr:
        return self._named("strpos", [self.compile(node.this), self.compile(node.args["substr"])])

    def _trim(self, node: exp.Expr) -> Expr:
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")).upper(), "trim")
        characters = node.args.get("expression")
        return self._named(name, [self.compile(part) for part in (node.this, characters) if part])

    def _at_time_zone(self, node: exp.Expr) -> Expr:
        return self._named("at_timezone", [self.compile(node.this), self.compile(node.args["zone"])])

    def _current(self, node: exp.Expr) -> Expr:
        if node.this:
            raise NotSupportedError(f"expression {node.sql('trino')}")
        return CURRENT[_CURRENT[type(node)]]

    def _row(self, node: exp.Expr) -> Expr:
        return self._named("row", [self.compile(item) for item in node.expressions])

    def _anonymous(self, node: exp.Expr) -> Expr:
        return self.call(node, PLAIN, has_over=False)

    def _filtered(self, node: exp.Expr) -> Expr:
        return filtered(self, node)

    def _window(self, node: exp.Expr) -> Expr:
        return windowed(self, node)

    def _listagg(self, node: exp.Expr) -> Expr:
        return listagg(self, node, PLAIN)

    def _named(self, name: str, arguments: Sequence[Argument]) -> Expr:
        call = Call(name, arguments, self.compile_lambda)
        if name in SPECIAL:
            return SPECIAL[name](call)
        if name not in functions("scalar"):
            raise QueryError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered")
        return call.expr(functions("scalar")[name])

    def call(self, node: exp.Expr, modifiers: Modifiers, has_over: bool) -> Expr:
        """Compile a call by name, with what stands around its arguments."""
        name, items = node.name.lower(), list(node.expressions)
        modifiers, items = self._unwrap(items, modifiers)
        if items and isinstance(items[0], exp.Star):
            if name != "count" or len(items) > 1:
                raise QueryError("SYNTAX_ERROR", f"'*' is not an argument of function {name}")
            items = []
        arguments = [item if isinstance(item, exp.Lambda) else self.compile(item) for item in items]
        call = Call(name, arguments, self.compile_lambda, modifiers)
        if name in SPECIAL_AGGREGATES:
            return SPECIAL_AGGREGATES[name](call)
        if is_aggregate(name):
            return call.expr(functions("aggregate")[name])
        if name in functions("window"):
            if not has_over:
                raise QueryError("MISSING_OVER", f"Window function {name} requires an OVER clause")
            return call.expr(functions("window")[name])
        if modifiers != PLAIN:
            raise QueryError(
                "FUNCTION_NOT_AGGREGATE", f"Function '{name}' is not an aggregate or window function"
            )
        return self._named(name, arguments)

    def _unwrap(self, items: list[Any], modifiers: Modifiers) -> tuple[Modifiers, list[Any]]:
        """Take DISTINCT and ORDER BY off a call's arguments."""
        order, distinct = modifiers.order, modifiers.distinct
        if items and isinstance(items[-1], exp.Order):
            order = " " + self.order_by(items[-1])
            items = [*items[:-1], items[-1].this]
        if items and isinstance(items[0], exp.Distinct):
            distinct = "DISTINCT "
            items = [*items[0].expressions, *items[1:]]
        return Modifiers(distinct, order, modifiers.nulls, modifiers.filter, modifiers.over), items

    def order_by(self, order: exp.Expr) -> str:
        """Compile an ORDER BY over expressions of the rows."""
        return "ORDER BY " + ", ".join(
            ordered(self.compile(item.this).sql, item) for item in order.expressions
        )

    def compile_lambda(self, node: exp.Lambda, parameters: Sequence[Type]) -> Expr:
        """Compile a lambda whose parameters have these types; its type is that of its body."""
        names = [parameter.name for parameter in node.expressions]
        if len(names) != len(parameters):
            raise QueryError(
                "FUNCTION_NOT_FOUND",
                f"Lambda {node.sql('trino')} takes {len(names)} arguments, not {len(parameters)}",
            )
        bound = {
            n.lower(): Expr(quote(f"{n.lower()}_p"), type_)
            for n, type_ in zip(names, parameters, strict=True)
        }
        body = Expressions(self._names.with_parameters(bound)).compile(node.this)
        heads = ", ".join(parameter.sql for parameter in bound.values())
        return Expr(f"lambda {heads}: {body.sql}", body.type)


def _query_of(node: exp.Expr) -> exp.Query:
    query = node.unnest()
    if not isinstance(query, exp.Query):
        raise NotSupportedError(f"expression {node.sql('trino')}")
    return query


def ordered(sql: str, item: exp.Expr) -> str:
    """Write one sort key; without a word on nulls Trino puts them last, both ways."""
    direction = "DESC" if item.args.get("desc") else "ASC"
    return f"{sql} {direction} NULLS {'FIRST' if item.args.get('nulls_first') else 'LAST'}"


def position_of(node: exp.Expr) -> tuple[int, int] | None:
    """Return the line and column at which an expression begins, if the parser kept them."""
    for part in node.walk():
        meta = part.meta
        if "line" in meta:
            return meta["line"], meta["col"] - (meta["end"] - meta["start"])
    return None


def field_of(base: Expr, name: str) -> Expr:
    """Return a field of a row."""
    wanted = name.lower()
    for field, type_ in zip(base.type.fields, base.type.args, strict=True) if base.type.name == "row" else ():
        if field.lower() == wanted:
            return derived(f"({base.sql}).{quote(field)}", type_, base)
    raise QueryError("COLUMN_NOT_FOUND", f"Field '{name}' cannot be resolved in {base.type}")


def type_of(node: exp.Expr) -> Type:
    """Return the type that a cast names."""
    return parse_type(node.sql("trino"))


def _number(text: str) -> Expr:
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


_HANDLERS: Final[dict[type[exp.Expr], Callable[[Expressions, Any], Expr]]] = {
    exp.And: Expressions._logical,
    exp.Anonymous: Expressions._anonymous,
    exp.Array: Expressions._array,
    exp.AtTimeZone: Expressions._at_time_zone,
    exp.Between: Expressions._between,
    exp.Boolean: Expressions._boolean_literal,
    exp.Bracket: Expressions._subscript,
    exp.Case: Expressions._case,
    exp.Cast: Expressions._cast,
    exp.Column: Expressions._column,
    exp.CurrentDate: Expressions._current,
    exp.CurrentTimestamp: Expressions._current,
    exp.DPipe: Expressions._concatenation,
    exp.Dot: Expressions._field,
    exp.Escape: Expressions._like,
    exp.Exists: Expressions._exists,
    exp.Extract: Expressions._extract,
    exp.Filter: Expressions._filtered,
    exp.GroupConcat: Expressions._listagg,
    exp.HexString: Expressions._hex,
    exp.Identifier: Expressions._identifier,
    exp.If: Expressions._if,
    exp.In: Expressions._in,
    exp.Interval: Expressions._interval,
    exp.Is: Expressions._is,
    exp.Like: Expressions._like,
    exp.Literal: Expressions._literal,
    exp.Localtimestamp: Expressions._current,
    exp.Neg: Expressions._negative,
    exp.Not: Expressions._not,
    exp.Null: Expressions._null,
    exp.Or: Expressions._logical,
    exp.Paren: Expressions._paren,
    exp.StrPosition: Expressions._position,
    exp.Subquery: Expressions._scalar_subquery,
    exp.Substring: Expressions._substring,
    exp.Trim: Expressions._trim,
    exp.TryCast: Expressions._cast,
    exp.Tuple: Expressions._row,
    exp.Window: Expressions._window,
}
