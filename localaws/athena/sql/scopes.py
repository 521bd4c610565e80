"""Names: which column of which relation a word in a query means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlglot import exp

from localaws.athena.failure import QueryError
from localaws.athena.sql.catalog import TableScan
from localaws.athena.sql.expr import Expr
from localaws.athena.sql.expressions import field_of
from localaws.athena.sql.types import Type

Use = tuple[TableScan, str]
SubqueryCompiler = Callable[[exp.Query, "Scope"], tuple[str, list[Type]]]


@dataclass(frozen=True)
class Column:
    """A column of a relation in FROM.

    Parameters
    ----------
    name
        What the query calls it.
    expr
        How DuckDB reads it.
    uses
        The table columns that must be read for it.
    hidden
        Whether ``*`` leaves it out.
    """

    name: str
    expr: Expr
    uses: frozenset[Use] = frozenset()
    hidden: bool = False


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


@dataclass(frozen=True)
class Relation:
    """A table, subquery or UNNEST in FROM; ``names`` are its qualifiers, outermost first."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]

    def answers_to(self, qualifier: Sequence[str]) -> bool:
        """Whether a qualifier means this relation."""
        count = len(qualifier)
        return 0 < count <= len(self.names) and self.names[-count:] == tuple(qualifier)


@dataclass
class Uses:
    """Collects the table columns that the expressions being compiled read."""

    stack: list[set[Use]] = field(default_factory=lambda: [set()])

    @contextmanager
    def collect(self) -> Iterator[set[Use]]:
        """Collect apart from the rest."""
        collected: set[Use] = set()
        self.stack.append(collected)
        try:
            yield collected
        finally:
            self.stack.pop()

    def add(self, uses: frozenset[Use]) -> None:
        """Note that these are read."""
        self.stack[-1] |= uses


@dataclass
class Scope:
    """The relations of one SELECT, inside those of the queries around it."""

    uses: Uses
    compile_subquery: SubqueryCompiler
    parent: Scope | None = None
    relations: list[Relation] = field(default_factory=list)
    merged: list[Column] = field(default_factory=list)
    parameters: dict[str, Expr] = field(default_factory=dict)

    def with_parameters(self, parameters: dict[str, Expr]) -> Scope:
        """Return this scope with a lambda's parameters in front."""
        return replace(self, parameters={**self.parameters, **parameters})

    def subquery(self, query: exp.Query, columns: int | None) -> tuple[str, list[Type]]:
        """Compile a query nested in an expression."""
        sql, types = self.compile_subquery(query, self)
        if columns is not None and len(types) != columns:
            raise QueryError(
                "NOT_SUPPORTED",
                f"Multiple columns returned by subquery are not yet supported. Found {len(types)}",
            )
        return sql, types

    def column(self, parts: Sequence[str], node: exp.Expr) -> Expr:
        """Return what a dotted name means: a parameter, a column, or a field inside one."""
        names = [part.lower() for part in parts]
        if names[0] in self.parameters:
            return _fields(self.parameters[names[0]], names[1:])
        scope: Scope | None = self
        while scope is not None:
            for split in range(len(names) - 1, -1, -1):
                column = scope._find(names[:split], names[split])
                if column is not None:
                    self.uses.add(column.uses)
                    return _fields(column.expr, names[split + 1 :])
            scope = scope.parent
        shown = ".".join(parts)
        raise QueryError(
            "COLUMN_NOT_FOUND",
            f"Column '{shown}' cannot be resolved or requester is not authorized to access requested "
            "resources",
        )

    def _find(self, qualifier: Sequence[str], name: str) -> Column | None:
        for column in self.merged:
            if column.name == name:
                # USING leaves one column, which belongs to neither side
                return None if qualifier else column
        found = [
            column
            for relation in self.relations
            if not qualifier or relation.answers_to(qualifier)
            for column in relation.columns
            if column.name == name
        ]
        if len(found) > 1:
            raise QueryError("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous")
        return found[0] if found else None

    def star(self, qualifier: Sequence[str]) -> list[Column]:
        """Return the columns that ``*`` or ``qualifier.*`` means."""
        names = [part.lower() for part in qualifier]
        relations = [r for r in self.relations if not names or r.answers_to(names)]
        if names and not relations:
            raise QueryError("TABLE_NOT_FOUND", f"Unable to resolve reference {'.'.join(qualifier)}")
        merged = [] if names else self.merged
        hidden = {column.name for column in merged}
        rest = [c for r in relations for c in r.columns if not c.hidden and c.name not in hidden]
        return [*merged, *rest]


def _fields(expr: Expr, names: Sequence[str]) -> Expr:
    for name in names:
        expr = field_of(expr, name)
    return expr
