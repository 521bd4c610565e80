"""Compiling queries: SELECT, set operations, WITH, VALUES."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.aggregates import SPECIAL_AGGREGATES
from localaws.athena.sql.calls import is_aggregate
from localaws.athena.sql.catalog import Catalog, OutputColumn, Plan, Table, TableScan, Version, View
from localaws.athena.sql.expr import Expr, convert, unify
from localaws.athena.sql.expressions import Expressions, ordered
from localaws.athena.sql.predicates import conjuncts, push_down
from localaws.athena.sql.relations import FromClause
from localaws.athena.sql.scopes import Column, Relation, Scope, Uses
from localaws.athena.sql.types import Type

_SELECT_CLAUSES: Final = {
    "with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset",
    "distinct",
}  # fmt: skip
_SET_CLAUSES: Final = {"with_", "this", "expression", "distinct", "order", "limit", "offset"}
_SET_WORDS: Final[dict[type[exp.Expr], str]] = {
    exp.Union: "UNION",
    exp.Except: "EXCEPT",
    exp.Intersect: "INTERSECT",
}


@dataclass(frozen=True)
class Output:
    """A compiled query: its text and columns.

    Parameters
    ----------
    sql
        DuckDB's text.
    columns
        The result's columns.
    simple
        Whether each row is a row of its tables, so that a filter outside may act inside.
    """

    sql: str
    columns: tuple[Column, ...]
    simple: bool = False


@dataclass
class _Shared:
    """What the compilers of one statement share."""

    catalog: Catalog
    uses: Uses = field(default_factory=Uses)
    scans: list[TableScan] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    depth: int = 0


@dataclass(frozen=True)
class _Cte:
    query: exp.Query
    columns: tuple[str, ...]
    compiler: QueryCompiler


def compile_query(query: exp.Query, catalog: Catalog, database: str) -> Plan:
    """Compile a query whose unqualified tables are in ``database``."""
    shared = _Shared(catalog)
    output = QueryCompiler(shared, database).output(query, None)
    for uses in (*(column.uses for column in output.columns), *shared.uses.stack):
        for scan, name in uses:
            scan.used.add(name)
    columns = tuple(OutputColumn(column.name, column.expr.type) for column in output.columns)
    return Plan(output.sql, columns, tuple(shared.scans))


class QueryCompiler:
    """Compiles queries in one database, with the WITH queries in reach."""

    def __init__(self, shared: _Shared, database: str, ctes: dict[str, _Cte] | None = None) -> None:
        self._shared = shared
        self._database = database
        self._ctes = ctes or {}

    def name(self, prefix: str) -> str:
        """Return a name that nothing else in the statement has."""
        return f"{prefix}{next(self._shared.numbers)}"

    def find(self, parts: list[str], version: Version | None) -> Table | View:
        """Find a table or view by its name."""
        return self._shared.catalog.find(parts, self._database, version)

    def scan(self, table: Table) -> TableScan:
        """Note that the query reads a table."""
        scan = TableScan(self.name("scan_"), table)
        self._shared.scans.append(scan)
        return scan

    def inside(self, database: str) -> QueryCompiler:
        """Return a compiler for a view's query, which sees nothing of the query around it."""
        return QueryCompiler(self._shared, database)

    def cte(self, name: str) -> Output | None:
        """Compile a WITH query where it is mentioned; Trino, too, expands it every time."""
        cte = self._ctes.get(name)
        if cte is None:
            return None
        output = cte.compiler.output(cte.query, None)
        if not cte.columns:
            return output
        if len(cte.columns) != len(output.columns):
            raise QueryError(
                "MISMATCHED_COLUMN_ALIASES", f"Column alias list of '{name}' does not fit its query"
            )
        pairs = zip(cte.columns, output.columns, strict=True)
        return replace(output, columns=tuple(replace(column, name=given) for given, column in pairs))

    def output(self, query: exp.Expr, parent: Scope | None) -> Output:
        """Compile a query; names it does not know are looked for in ``parent``."""
        with self._nested():
            compiler = self._with(query)
            match query:
                case exp.Subquery():
                    if {k for k, v in query.args.items() if v} - {"this", "with_"}:
                        return compiler._wrapped(query, parent)
                    return compiler.output(query.this, parent)
                case exp.Select():
                    return SelectCompiler(compiler, parent).compile(query)
                case exp.Values():
                    return compiler._values(query, parent)
                case exp.SetOperation():
                    return compiler._set_operation(query, parent)
                case _:
                    raise NotSupportedError(f"{type(query).__name__.upper()} as a query")

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._shared.depth += 1
        if self._shared.depth > 60:
            raise QueryError("STACK_OVERFLOW", "the query, or a view in it, is nested too deeply")
        yield
        self._shared.depth -= 1

    def _with(self, query: exp.Expr) -> QueryCompiler:
        with_ = query.args.get("with_")
        if with_ is None:
            return self
        if with_.args.get("recursive"):
            raise NotSupportedError("WITH RECURSIVE")
        ctes = dict(self._ctes)
        for cte in with_.expressions:
            columns = tuple(c.name.lower() for c in cte.args["alias"].columns)
            ctes[cte.alias.lower()] = _Cte(
                cte.this, columns, QueryCompiler(self._shared, self._database, dict(ctes))
            )
        return QueryCompiler(self._shared, self._database, ctes)

    def scope(self, parent: Scope | None) -> Scope:
        """Return an empty scope."""
        return Scope(self._shared.uses, self._subquery, parent)

    @property
    def uses(self) -> Uses:
        """What collects the columns that are read."""
        return self._shared.uses

    def _subquery(self, query: exp.Query, scope: Scope) -> tuple[str, list[Type]]:
        output = self.output(query, scope)
        for column in output.columns:
            self.uses.add(column.uses)
        return output.sql, [column.expr.type for column in output.columns]

    def _wrapped(self, query: exp.Expr, parent: Scope | None) -> Output:
        """Compile a query in parentheses that is sorted or cut outside them."""
        inner = self.output(query.this, parent)
        return self._sorted(query, inner, parent)

    def _values(self, node: exp.Expr, parent: Scope | None) -> Output:
        expressions = Expressions(self.scope(parent))
        rows = [
            [expressions.compile(item) for item in (row.expressions if isinstance(row, exp.Tuple) else [row])]
            for row in node.expressions
        ]
        if len({len(row) for row in rows}) != 1:
            raise QueryError("TYPE_MISMATCH", "Values rows have mismatched sizes")
        columns = [unify([row[i] for row in rows], "VALUES rows")[1] for i in range(len(rows[0]))]
        texts = ", ".join(f"({', '.join(column[i].sql for column in columns)})" for i in range(len(rows)))
        outputs = [Column(f"_col{i}", column[0]) for i, column in enumerate(columns)]
        return Output(
            f"VALUES {texts}", tuple(replace(c, expr=Expr(c.expr.sql, c.expr.type)) for c in outputs)
        )

    def _set_operation(self, node: exp.SetOperation, parent: Scope | None) -> Output:
        unknown = {k for k, v in node.args.items() if v} - _SET_CLAUSES
        word = _SET_WORDS.get(type(node))
        if word is None or unknown:
            raise NotSupportedError(f"set operation with {', '.join(sorted(unknown)) or type(node).__name__}")
        sides = [self.output(side, parent) for side in (node.left, node.right)]
        left, right = sides
        if len(left.columns) != len(right.columns):
            raise QueryError(
                "TYPE_MISMATCH",
                f"{word} query has different number of fields: {len(left.columns)}, {len(right.columns)}",
            )
        columns = [_common_column(*pair, word) for pair in zip(left.columns, right.columns, strict=True)]
        types = [column.expr.type for column in columns]
        word += "" if node.args.get("distinct", True) else " ALL"
        sql = f" {word} ".join(self._converted(side, types) for side in sides)
        if "ALL" not in word:
            for column in columns:
                self.uses.add(column.uses)
        return self._sorted(node, Output(sql, tuple(columns)), parent)

    def _converted(self, output: Output, types: Sequence[Type]) -> str:
        names = [f"c{i}" for i in range(len(types))]
        exprs = [
            convert(Expr(f"s.{n}", c.expr.type), ty)
            for n, c, ty in zip(names, output.columns, types, strict=True)
        ]
        return f"(SELECT {', '.join(e.sql for e in exprs)} FROM ({output.sql}) AS s({', '.join(names)}))"  # noqa: S608 - made of quoted names and compiled text

    def _sorted(self, node: exp.Expr, output: Output, parent: Scope | None) -> Output:
        """Sort and cut what is not one SELECT: keys are its columns."""
        order, tail = node.args.get("order"), limits(node)
        if order is None and not tail:
            return output
        alias = self.name("r")
        names = [f"c{i}" for i in range(len(output.columns))]
        columns = tuple(
            Column(c.name, Expr(f"{alias}.{n}", c.expr.type), c.uses)
            for n, c in zip(names, output.columns, strict=True)
        )
        scope = self.scope(parent)
        scope.relations.append(Relation((), columns))
        keys = []
        for item in order.expressions if order else ():
            position = ordinal(item.this, len(columns))
            keys.append(
                ordered(str(position) if position else Expressions(scope).compile(item.this).sql, item)
            )
        clause = f" ORDER BY {', '.join(keys)}" if keys else ""
        sql = f"SELECT * FROM ({output.sql}) AS {alias}({', '.join(names)}){clause}{tail}"  # noqa: S608 - made of quoted names and compiled text
        return Output(sql, output.columns)


class SelectCompiler:
    """Compiles one SELECT."""

    def __init__(self, compiler: QueryCompiler, parent: Scope | None) -> None:
        self._compiler = compiler
        self._scope = compiler.scope(parent)
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
        head = f"SELECT {'DISTINCT ' if distinct else ''}{listed}"
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
            return columns[position - 1].expr.sql
        return self._expressions.compile(node).sql

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
        expr = Expressions(_OutputsFirst(self._scope, outputs)).compile(node)
        if distinct and expr.sql not in {column.expr.sql for column in columns}:
            raise QueryError(
                "EXPRESSION_NOT_IN_DISTINCT",
                "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
            )
        return ordered(expr.sql, item)


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
    if isinstance(node, exp.Dot):
        return str(node.expression.name).lower()
    return f"_col{position}"


def _common_column(left: Column, right: Column, word: str) -> Column:
    common = t.common_type(left.expr.type, right.expr.type)
    if common is None:
        raise QueryError(
            "TYPE_MISMATCH",
            f"column in {word} query has incompatible types: {left.expr.type}, {right.expr.type}",
        )
    return Column(left.name, Expr("NULL", common), left.uses | right.uses)


def _gathers(call: exp.Expr) -> bool:
    name = call.name.lower()
    return not isinstance(call, exp.Anonymous) or is_aggregate(name) or name in SPECIAL_AGGREGATES
