"""Compiling one SELECT: its clauses, output columns, groups and order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql.aggregates import SPECIAL_AGGREGATES
from localaws.athena.sql.calls import is_aggregate
from localaws.athena.sql.expr import Expr, derived
from localaws.athena.sql.expressions import Expressions, ordered
from localaws.athena.sql.operators import comparable
from localaws.athena.sql.predicates import conjuncts, push_down
from localaws.athena.sql.relations import FromClause
from localaws.athena.sql.scopes import Column, Output, Scope
from localaws.athena.sql.types import Type

if TYPE_CHECKING:
    from localaws.athena.sql.queries import QueryCompiler

_SELECT_CLAUSES: Final = {
    "with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset",
    "distinct", "windows",
}  # fmt: skip


class SelectCompiler:
    """Compiles one SELECT."""

    def __init__(self, compiler: QueryCompiler, parent: Scope | None) -> None:
        self._compiler = compiler
        self._scope = compiler.scope(parent)
        self._zoned_keys: dict[str, Expr] = {}
        self._expressions = Expressions(self._scope)

    def compile(self, node: exp.Select) -> Output:
        """Return the compiled SELECT."""
        unknown = {k for k, v in node.args.items() if v} - _SELECT_CLAUSES
        if unknown:
            raise NotSupportedError(
                f"SELECT with {', '.join(sorted(name.strip('_').upper() for name in unknown))}"
            )
        from_ = self._from(node)
        where = self._where(node.args.get("where"))
        columns = self._projections(node.expressions)
        group = self._group(node.args.get("group"), columns)
        if self._zoned_keys:
            self._expressions = Expressions(self._scope, self._zoned_keys)
            columns = self._projections(node.expressions)
        having = node.args.get("having")
        if having:
            having_sql = f" HAVING {self._expressions.boolean(having.this, 'HAVING clause').sql}"
        distinct = node.args.get("distinct")
        order = self._order(node.args.get("order"), columns, bool(distinct))
        if distinct:
            if distinct.args.get("on"):
                raise NotSupportedError("DISTINCT ON")
            self._read(columns)
        listed = ", ".join(column.expr.sql for column in columns)
        head = f"SELECT {_distinct(columns) if distinct else ''}{listed}"
        tail = f"{group}{having_sql if having else ''}{order}{limits(node)}"
        return Output(f"{head} {from_}{where}{tail}", tuple(columns), self._is_simple(node))

    def _is_simple(self, node: exp.Select) -> bool:
        cut = ("group", "having", "limit", "offset", "distinct")
        if any(node.args.get(clause) for clause in cut):
            return False
        called = (
            call
            for item in node.expressions
            for call in item.find_all(exp.Window, exp.Anonymous, exp.GroupConcat)
        )
        return not any(_gathers(call) for call in called)

    def _read(self, columns: Sequence[Column]) -> None:
        for column in columns:
            self._compiler.uses.add(column.uses)

    def _from(self, node: exp.Select) -> str:
        from_ = node.args.get("from_")
        if from_ is None:
            if node.args.get("joins"):
                raise QueryError("SYNTAX_ERROR", "a join needs a FROM clause")
            return ""
        return FromClause(self._compiler, self._scope).compile(from_.this, node.args.get("joins") or [])

    def _where(self, where: exp.Expr | None) -> str:
        if where is None:
            return ""
        for conjunct in conjuncts(where.this):
            push_down(conjunct, self._scope)
        return f" WHERE {self._expressions.boolean(where.this, 'WHERE clause').sql}"

    def _projections(self, nodes: Sequence[exp.Expr]) -> list[Column]:
        columns: list[Column] = []
        for node in nodes:
            qualifier = _star_qualifier(node)
            if qualifier is not None:
                columns += self._star(qualifier, node)
                continue
            with self._compiler.uses.collect() as uses:
                expr = self._expressions.compile(node.unalias())
            columns.append(Column(_output_name(node, len(columns)), expr, frozenset(uses)))
        return columns

    def _star(self, qualifier: list[str], node: exp.Expr) -> list[Column]:
        star = node if isinstance(node, exp.Star) else node.this
        if any(star.args.values()):
            raise NotSupportedError(f"expression {node.sql('trino')}")
        if not self._scope.relations:
            raise QueryError("SYNTAX_ERROR", "SELECT * not allowed in queries without FROM clause")
        return self._scope.star(qualifier)

    def _group(self, group: exp.Expr | None, columns: Sequence[Column]) -> str:
        if group is None:
            return ""
        unknown = {k for k, v in group.args.items() if v} - {"expressions", "grouping_sets", "cube", "rollup"}
        if unknown:
            raise NotSupportedError(f"GROUP BY with {', '.join(sorted(unknown))}")
        nodes = [
            node
            for key in ("expressions", "grouping_sets", "cube", "rollup")
            for node in group.args.get(key) or []
        ]
        return f" GROUP BY {', '.join(self._grouping(node, columns) for node in nodes)}"

    def _grouping(self, node: exp.Expr, columns: Sequence[Column]) -> str:
        match node:
            case exp.GroupingSets():
                return (
                    f"GROUPING SETS ({', '.join(self._grouping(item, columns) for item in node.expressions)})"
                )
            case exp.Cube() | exp.Rollup():
                word = type(node).__name__.upper()
                return f"{word} ({', '.join(self._grouping(item, columns) for item in node.expressions)})"
            case exp.Tuple():
                return f"({', '.join(self._grouping(item, columns) for item in node.expressions)})"
        position = ordinal(node, len(columns))
        if position:
            self._read([columns[position - 1]])
        return self._key(columns[position - 1].expr if position else self._expressions.compile(node))

    def _key(self, key: Expr) -> str:
        """Group by the instant of a zoned timestamp, and show it in one of the zones that it came in."""
        instant = comparable(key).sql
        if instant != key.sql:
            shown = f"struct_pack(utc := {instant}, zone := any_value(({key.sql}).zone))"
            case = f"CASE WHEN {instant} IS NOT NULL THEN {shown} END"
            self._zoned_keys[key.sql] = derived(case, key.type, key)
        return instant

    def _order(self, order: exp.Expr | None, columns: Sequence[Column], distinct: bool) -> str:
        if order is None:
            return ""
        return " ORDER BY " + ", ".join(self._sort_key(item, columns, distinct) for item in order.expressions)

    def _sort_key(self, item: exp.Expr, columns: Sequence[Column], distinct: bool) -> str:
        """Compile a sort key, which may be a position, an output column, or any expression."""
        node = item.this
        position = ordinal(node, len(columns))
        if not position and isinstance(node, exp.Column) and not node.table:
            named = [i for i, column in enumerate(columns, 1) if column.name == node.name.lower()]
            position = named[0] if named else None
        if position:
            self._read([columns[position - 1]])
            return ordered(str(position), item)
        outputs = {column.name: column.expr for column in columns if column.name}
        expr = Expressions(_OutputsFirst(self._scope, outputs), self._zoned_keys).compile(node)
        if distinct and expr.sql not in {column.expr.sql for column in columns}:
            raise QueryError(
                "EXPRESSION_NOT_IN_DISTINCT",
                "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
            )
        return ordered(expr.sql, item)


def _distinct(columns: Sequence[Column]) -> str:
    texts = [column.expr.sql for column in columns]
    keys = [comparable(column.expr).sql for column in columns]
    return "DISTINCT " if keys == texts else f"DISTINCT ON ({', '.join(keys)}) "


@dataclass(frozen=True)
class _OutputsFirst:
    """The names of ORDER BY: the SELECT's output columns before those of its tables."""

    scope: Scope
    outputs: dict[str, Expr]

    def column(self, parts: Sequence[str], node: exp.Expr) -> Expr:
        if len(parts) == 1 and parts[0].lower() in self.outputs:
            return self.outputs[parts[0].lower()]
        return self.scope.column(parts, node)

    def with_parameters(self, parameters: dict[str, Expr]) -> Scope:
        return self.scope.with_parameters({**self.outputs, **parameters})

    def subquery(self, query: exp.Query, columns: int | None) -> tuple[str, list[Type]]:
        return self.scope.subquery(query, columns)


def ordinal(node: exp.Expr, columns: int) -> int | None:
    """Return the output column that an integer in GROUP BY or ORDER BY means."""
    if not isinstance(node, exp.Literal) or node.is_string:
        return None
    if not re.fullmatch(r"\d+", node.name) or not 1 <= int(node.name) <= columns:
        raise QueryError("INVALID_COLUMN_REFERENCE", f"position {node.name} is not in select list")
    return int(node.name)


def limits(node: exp.Expr) -> str:
    """Return LIMIT and OFFSET."""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    # the parser takes them in any order, and keeps theirs
    if (
        limit is not None
        and offset is not None
        and list(node.args).index("limit") < list(node.args).index("offset")
    ):
        raise QueryError("SYNTAX_ERROR", "mismatched input 'OFFSET'. Expecting: <EOF>; it comes before LIMIT")
    text = ""
    if isinstance(limit, exp.Fetch):
        options = limit.args.get("limit_options")
        if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
            raise NotSupportedError("FETCH FIRST with TIES or PERCENT")
        text = f" LIMIT {_whole(limit.args.get('count'))}"
    elif limit is not None and limit.expression.name.upper() != "ALL":
        text = f" LIMIT {_whole(limit.expression)}"
    return f"{text} OFFSET {_whole(offset.expression)}" if offset is not None else text


def _whole(node: exp.Expr | None) -> str:
    if node is None:
        return "1"
    node = node.unnest()
    if not isinstance(node, exp.Literal) or not re.fullmatch(r"\d+", node.name):
        raise QueryError("SYNTAX_ERROR", f"LIMIT and OFFSET need a whole number, got {node.sql('trino')}")
    return str(node.name)


def _star_qualifier(node: exp.Expr) -> list[str] | None:
    if isinstance(node, exp.Star):
        return []
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        return [node.args[key].name for key in ("catalog", "db", "table") if node.args.get(key)]
    return None


def _output_name(node: exp.Expr, position: int) -> str:
    if isinstance(node, exp.Alias):
        return str(node.alias).lower()
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Column):
        return str(node.name).lower()
    if isinstance(node, exp.Dot) and isinstance(_root(node), exp.Column | exp.Identifier):
        return str(node.expression.name).lower()
    return f"_col{position}"


def _root(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Dot | exp.Paren):
        node = node.this
    return node


def _gathers(call: exp.Expr) -> bool:
    name = call.name.lower()
    return not isinstance(call, exp.Anonymous) or is_aggregate(name) or name in SPECIAL_AGGREGATES
