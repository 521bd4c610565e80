"""Compiling Trino's expressions to DuckDB, with their types; what is not known here is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from typing import cast as cast_to

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import operators
from localaws.athena.sql import types as t
from localaws.athena.sql.aggregates import SPECIAL_AGGREGATES
from localaws.athena.sql.calls import PLAIN, Argument, Call, Modifiers, is_aggregate
from localaws.athena.sql.casts import cast
from localaws.athena.sql.expr import Expr, convert, derived, null, unify
from localaws.athena.sql.functions import functions, unavailable
from localaws.athena.sql.literals import interval, number
from localaws.athena.sql.nested import NESTED
from localaws.athena.sql.parser import EXPLICIT
from localaws.athena.sql.special import CURRENT, SPECIAL
from localaws.athena.sql.type_text import parse_type
from localaws.athena.sql.types import Type, literal, quote
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


class Names(Protocol):
    """What resolves the names of an expression, and compiles the queries inside it."""

    def column(self, parts: Sequence[str], node: exp.Expr) -> Expr:
        """Return the column, field or lambda parameter that a dotted name means."""

    def with_parameters(self, parameters: dict[str, Expr]) -> Names:
        """Return names with a lambda's parameters in front."""

    def subquery(self, query: exp.Query, columns: int | None) -> tuple[str, list[Type]]:
        """Compile a nested query that must have so many columns, if a number is given."""


class Expressions:
    """Compiles expressions.

    Parameters
    ----------
    names
        Says what their names mean.
    grouped
        What stands for a key of GROUP BY, by the key's text, outside of aggregates.
    """

    def __init__(self, names: Names, grouped: Mapping[str, Expr] | None = None) -> None:
        self._names = names
        self._grouped = grouped or {}

    def compile(self, node: exp.Expr) -> Expr:
        """Compile one expression."""
        try:
            return self._compile(node)
        except QueryError as error:
            if error.position is None:
                error.position = position_of(node)
            raise

    def _compile(self, node: exp.Expr) -> Expr:
        handler, parts = _NODES.get(type(node), (None, ""))
        given = {part for part, value in node.args.items() if value}
        if handler is None or not given <= set(parts.split()):
            raise NotSupportedError(f"expression {node.sql('trino')}")
        expr = handler(self, node)
        return self._grouped.get(expr.sql, expr)

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
        common = t.common_type(left.type, column) or column
        wanted, found = (
            operators.comparable(convert(side, common)).sql for side in (left, Expr("s.c0", column))
        )
        word = "ALL" if isinstance(right, exp.All) else "ANY"
        query = f"SELECT {found} FROM ({sql}) AS s(c0)"  # noqa: S608 - compiled text
        return Expr(f"({wanted} {operator} {word} ({query}))", t.BOOLEAN)

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
        return number(text)

    def _boolean_literal(self, node: exp.Expr) -> Expr:
        return Expr("true" if node.this else "false", t.BOOLEAN, constant=True)

    def _null(self, node: exp.Expr) -> Expr:
        return null()

    def _json(self, node: exp.Expr) -> Expr:
        return self._named("json_parse", [self.compile(node.this)])

    def _hex(self, node: exp.Expr) -> Expr:
        return Expr(f"unhex({literal(node.this)})", t.VARBINARY, constant=True)

    def _paren(self, node: exp.Expr) -> Expr:
        return self.compile(node.this)

    def _negative(self, node: exp.Expr) -> Expr:
        if isinstance(node.this, exp.Literal) and not node.this.is_string:
            return number(f"-{node.this.this}")
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
            return number(node.this.name)
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
        if not node.expressions:
            raise QueryError("SYNTAX_ERROR", "mismatched input ')'. Expecting: <expression>")
        if isinstance(node.expressions[0], exp.Values):
            return self._in_query(value, node.expressions[0])
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
        found = operators.comparable(convert(Expr("s.c0", column), common)).sql
        wanted = operators.comparable(convert(value, common)).sql
        return Expr(f"({wanted} IN (SELECT {found} FROM ({sql}) AS s(c0)))", t.BOOLEAN)  # noqa: S608 - compiled text

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
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        value, pattern = self.compile(node.this), self.compile(node.expression)
        for side in (value, pattern):
            if side.type.name not in ("varchar", "char", "unknown"):
                raise QueryError(
                    "TYPE_MISMATCH",
                    f"Left side of LIKE expression must evaluate to a varchar (actual: {side.type})",
                )
        suffix = f" ESCAPE {escape.sql}" if escape else ""
        return derived(f"({value.sql} {word} {pattern.sql}{suffix})", t.BOOLEAN, value, pattern)

    def _interval(self, node: exp.Expr) -> Expr:
        return interval(node)

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
        call = Call(name, arguments, self)
        handler = SPECIAL.get(name) or NESTED.get(name)
        if handler is not None:
            return handler(call)
        if name in unavailable():
            raise NotSupportedError(f"function {name}")
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
        aggregates = name in SPECIAL_AGGREGATES or is_aggregate(name)
        inner = Expressions(self._names) if aggregates and not has_over else self
        arguments = [item if isinstance(item, exp.Lambda) else inner.compile(item) for item in items]
        call = Call(name, arguments, inner, modifiers)
        if name in SPECIAL_AGGREGATES:
            return SPECIAL_AGGREGATES[name](call)
        if aggregates:
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
            ordered(operators.comparable(self.compile(item.this)).sql, item) for item in order.expressions
        )

    def compile_lambda(self, node: exp.Lambda, parameters: Sequence[Type]) -> Expr:
        """Compile a lambda whose parameters have these types; its type is that of its body."""
        _require_arity(node, len(parameters))
        names = [quote(f"{parameter.name.lower()}_p") for parameter in node.expressions]
        body = self.compile_body(node, list(map(Expr, names, parameters)))
        return Expr(f"lambda {', '.join(names)}: {body.sql}", body.type)

    def compile_body(self, node: exp.Lambda, parameters: Sequence[Expr]) -> Expr:
        """Compile a lambda's body with an expression in the place of each parameter."""
        _require_arity(node, len(parameters))
        names = (parameter.name.lower() for parameter in node.expressions)
        bound = dict(zip(names, parameters, strict=True))
        return Expressions(self._names.with_parameters(bound)).compile(node.this)


def _require_arity(node: exp.Lambda, count: int) -> None:
    given = len(node.expressions)
    if given != count:
        raise QueryError(
            "FUNCTION_NOT_FOUND", f"Lambda {node.sql('trino')} takes {given} arguments, not {count}"
        )


def _query_of(node: exp.Expr) -> exp.Query:
    query = node.unnest()
    if not isinstance(query, exp.Query | exp.Values):
        raise NotSupportedError(f"expression {node.sql('trino')}")
    return cast_to(exp.Query, query)


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


_NODES: Final[dict[type[exp.Expr], tuple[Callable[[Expressions, Any], Expr], str]]] = {
    exp.Add: (Expressions._arithmetic, "this expression"),
    exp.And: (Expressions._logical, "this expression"),
    exp.Anonymous: (Expressions._anonymous, "this expressions"),
    exp.Array: (Expressions._array, "expressions"),
    exp.AtTimeZone: (Expressions._at_time_zone, "this zone"),
    exp.Between: (Expressions._between, "this low high"),
    exp.Boolean: (Expressions._boolean_literal, "this"),
    exp.Bracket: (Expressions._subscript, "this expressions"),
    exp.Case: (Expressions._case, "this ifs default"),
    exp.Cast: (Expressions._cast, "this to"),
    exp.Column: (Expressions._column, "this table db catalog"),
    exp.CurrentDate: (Expressions._current, ""),
    exp.CurrentTimestamp: (Expressions._current, ""),
    exp.DPipe: (Expressions._concatenation, "this expression"),
    exp.Div: (Expressions._arithmetic, "this expression typed"),
    exp.Dot: (Expressions._field, "this expression"),
    exp.EQ: (Expressions._comparison, "this expression"),
    exp.Escape: (Expressions._like, "this expression"),
    exp.Exists: (Expressions._exists, "this"),
    exp.Extract: (Expressions._extract, "this expression"),
    exp.Filter: (Expressions._filtered, "this expression"),
    exp.GT: (Expressions._comparison, "this expression"),
    exp.GTE: (Expressions._comparison, "this expression"),
    exp.GroupConcat: (Expressions._listagg, "this separator"),
    exp.HexString: (Expressions._hex, "this"),
    exp.Identifier: (Expressions._identifier, "this quoted"),
    exp.If: (Expressions._if, "this true false"),
    exp.In: (Expressions._in, "this expressions query"),
    exp.Interval: (Expressions._interval, "this unit"),
    exp.Is: (Expressions._is, "this expression"),
    exp.LT: (Expressions._comparison, "this expression"),
    exp.LTE: (Expressions._comparison, "this expression"),
    exp.Like: (Expressions._like, "this expression negate"),
    exp.Literal: (Expressions._literal, "this is_string"),
    exp.Localtimestamp: (Expressions._current, ""),
    exp.Mod: (Expressions._arithmetic, "this expression"),
    exp.Mul: (Expressions._arithmetic, "this expression"),
    exp.NEQ: (Expressions._comparison, "this expression"),
    exp.Neg: (Expressions._negative, "this"),
    exp.Not: (Expressions._not, "this"),
    exp.Null: (Expressions._null, ""),
    exp.NullSafeEQ: (Expressions._comparison, "this expression"),
    exp.NullSafeNEQ: (Expressions._comparison, "this expression"),
    exp.Or: (Expressions._logical, "this expression"),
    exp.Paren: (Expressions._paren, "this"),
    exp.ParseJSON: (Expressions._json, "this is_literal"),
    exp.StrPosition: (Expressions._position, "this substr"),
    exp.Sub: (Expressions._arithmetic, "this expression"),
    exp.Subquery: (Expressions._scalar_subquery, "this"),
    exp.Substring: (Expressions._substring, "this start length"),
    exp.Trim: (Expressions._trim, "this expression position"),
    exp.TryCast: (Expressions._cast, "this to safe"),
    exp.Tuple: (Expressions._row, "expressions"),
    exp.Window: (Expressions._window, "this partition_by order spec over alias"),
}
"""How each kind of node is compiled, and the parts of it that are read; any other part is refused."""
