"""Compiling queries: SELECT, set operations, WITH, VALUES."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.catalog import Catalog, OutputColumn, Plan, Table, TableScan, Version, View
from localaws.athena.sql.expr import Expr, convert, unify
from localaws.athena.sql.expressions import Expressions, ordered
from localaws.athena.sql.operators import comparable
from localaws.athena.sql.scopes import Column, Output, Relation, Scope, Uses
from localaws.athena.sql.selects import SelectCompiler, limits, ordinal
from localaws.athena.sql.types import Type

_SET_CLAUSES: Final = {"with_", "this", "expression", "distinct", "order", "limit", "offset"}
_SET_WORDS: Final[dict[type[exp.Expr], str]] = {
    exp.Union: "UNION",
    exp.Except: "EXCEPT",
    exp.Intersect: "INTERSECT",
}


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
        texts = [self._converted(side, types) for side in sides]
        sql = f" {word} ".join(texts)
        if "ALL" not in word:
            for column in columns:
                self.uses.add(column.uses)
            sql = _distinct(word, texts, types) or sql
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


def _common_column(left: Column, right: Column, word: str) -> Column:
    common = t.common_type(left.expr.type, right.expr.type)
    if common is None:
        raise QueryError(
            "TYPE_MISMATCH",
            f"column in {word} query has incompatible types: {left.expr.type}, {right.expr.type}",
        )
    return Column(left.name, Expr("NULL", common), left.uses | right.uses)


def _distinct(word: str, sides: Sequence[str], types: Sequence[Type]) -> str | None:
    """Return a set operation that takes an instant in two zones for one, where there are zones."""
    names = [f"c{i}" for i in range(len(types))]
    keys = [comparable(Expr(name, type_)).sql for name, type_ in zip(names, types, strict=True)]
    if keys == names:
        return None
    if word != "UNION":
        raise NotSupportedError(f"{word} of timestamps with time zone")
    every = " UNION ALL ".join(sides)
    return f"SELECT DISTINCT ON ({', '.join(keys)}) * FROM ({every}) AS u({', '.join(names)})"  # noqa: S608 - made of quoted names and compiled text
