"""FROM: tables, views, subqueries, VALUES, UNNEST and joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import operators
from localaws.athena.sql import types as t
from localaws.athena.sql.catalog import TableScan, Version, View
from localaws.athena.sql.expr import Expr, Origin
from localaws.athena.sql.expressions import Expressions, position_of
from localaws.athena.sql.parser import parse_query
from localaws.athena.sql.scopes import Column, Output, Relation, Scope
from localaws.athena.sql.types import Type, quote

if TYPE_CHECKING:
    from localaws.athena.sql.queries import QueryCompiler

_JOINS = {
    ("", ""): "JOIN",
    ("", "INNER"): "JOIN",
    ("", "CROSS"): "CROSS JOIN",
    ("LEFT", ""): "LEFT JOIN",
    ("RIGHT", ""): "RIGHT JOIN",
    ("FULL", ""): "FULL JOIN",
}


class FromClause:
    """Compiles the FROM of one SELECT, and puts what it names into the scope."""

    def __init__(self, compiler: QueryCompiler, scope: Scope) -> None:
        self._compiler = compiler
        self._scope = scope

    def compile(self, first: exp.Expr, joins: list[exp.Join]) -> str:
        """Return the text of the clause."""
        pieces = [f"FROM {self._relation(first)}"]
        # a comma list and joins arrive alike, in order
        pieces += [self._join(join) for join in joins]
        return " ".join(pieces)

    def _relation(self, node: exp.Expr) -> str:
        nested = node.args.get("joins")
        if nested:
            raise NotSupportedError("a join in parentheses")
        match node:
            case exp.Table():
                return self._table(node)
            case exp.Subquery():
                return self._subquery(node)
            case exp.Values():
                return self._derived(node, self._compiler.output(node, self._scope.parent))
            case exp.Lateral():
                return self._lateral(node)
            case exp.Unnest():
                return self._unnest(node)
            case _:
                raise NotSupportedError(f"{type(node).__name__.upper()} in FROM")

    def _table(self, node: exp.Table) -> str:
        unknown = {k for k, v in node.args.items() if v} - {"this", "db", "catalog", "alias", "version"}
        if unknown or not isinstance(node.this, exp.Identifier):
            raise NotSupportedError(f"table expression {node.sql('trino')}")
        parts = [part.name.lower() for part in node.parts]
        if len(parts) == 1 and (cte := self._compiler.cte(parts[0])) is not None:
            return self._derived(node, cte, parts)
        version = self._version(node.args.get("version"))
        try:
            found = self._compiler.find(parts, version)
        except QueryError as error:
            error.position = error.position or position_of(node)
            raise
        if isinstance(found, View):
            return self._derived(node, self._view(found), parts)
        return self._scan(node, self._compiler.scan(found), parts)

    def _version(self, node: exp.Expr | None) -> Version | None:
        if node is None:
            return None
        if node.args.get("kind") != "AS OF":
            raise NotSupportedError(node.sql("trino"))
        value = Expressions(self._scope).compile(node.expression)
        kind = str(node.this).upper()
        if kind == "TIMESTAMP":
            if value.type.name not in t.DATETIMES:
                raise QueryError(
                    "TYPE_MISMATCH", f"Type {value.type} invalid. Temporal pointers must be of type timestamp"
                )
            return Version(kind, operators.comparable(value).sql)
        return Version(kind, value.sql)

    def _view(self, view: View) -> Output:
        return self._compiler.inside(view.database).output(parse_query(view.sql), None)

    def _scan(self, node: exp.Expr, scan: TableScan, parts: list[str]) -> str:
        alias = self._compiler.name("r")
        columns = [
            Column(
                c.name,
                Expr(f"{alias}.{quote(c.name)}", c.type, Origin(scan, c.name)),
                frozenset({(scan, c.name)}),
                c.hidden,
            )
            for c in scan.table.columns
        ]
        self._add(node, columns, parts)
        return f"{scan.relation} AS {alias}"

    def _subquery(self, node: exp.Subquery) -> str:
        unknown = {k for k, v in node.args.items() if v} - {"this", "alias"}
        if unknown:
            raise NotSupportedError(f"subquery {node.sql('trino')}")
        if not isinstance(node.this, exp.Query | exp.Values):
            raise NotSupportedError("a join in parentheses")
        return self._derived(node, self._compiler.output(node.this, self._scope.parent))

    def _lateral(self, node: exp.Lateral) -> str:
        unknown = {k for k, v in node.args.items() if v} - {"this", "alias"}
        query = node.this.unnest() if isinstance(node.this, exp.Subquery) else node.this
        if unknown or not isinstance(query, exp.Query | exp.Values):
            raise NotSupportedError(f"table expression {node.sql('trino')}")
        return f"LATERAL {self._derived(node, self._compiler.output(query, self._scope))}"

    def _derived(self, node: exp.Expr, output: Output, parts: list[str] | None = None) -> str:
        alias = self._compiler.name("r")
        columns = [
            Column(
                c.name, Expr(f"{alias}.c{i}", c.expr.type, c.expr.origin if output.simple else None), c.uses
            )
            for i, c in enumerate(output.columns)
        ]
        self._add(node, columns, parts)
        return f"({output.sql}) AS {alias}({', '.join(f'c{i}' for i in range(len(columns)))})"

    def _add(self, node: exp.Expr, columns: list[Column], parts: list[str] | None = None) -> None:
        alias = node.args.get("alias")
        names = tuple(parts or ())
        if alias is not None and alias.this is not None:
            names = (alias.this.name.lower(),)
        given = [column.name.lower() for column in alias.columns] if alias is not None else []
        visible = [column for column in columns if not column.hidden]
        if given and len(given) != len(visible):
            raise QueryError(
                "MISMATCHED_COLUMN_ALIASES",
                f"Column alias list has {len(given)} entries but '{names[-1]}' has {len(visible)} columns",
            )
        if given:
            columns = [Column(n, c.expr, c.uses) for n, c in zip(given, visible, strict=True)]
        self._scope.relations.append(Relation(names, tuple(columns)))

    def _join(self, join: exp.Join) -> str:
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        word = _JOINS.get((side, "" if kind == "OUTER" else kind))
        unknown = {k for k, v in join.args.items() if v} - {"this", "side", "kind", "on", "using"}
        if word is None or unknown:
            raise NotSupportedError(f"join {join.sql('trino')}")
        before = len(self._scope.relations)
        relation = self._relation(join.this)
        if join.args.get("using"):
            return f"{word} {relation} ON {self._using(join.args['using'], before, word)}"
        on = join.args.get("on")
        if on is None:
            return (
                f"CROSS JOIN {relation}" if word in ("JOIN", "CROSS JOIN") else f"{word} {relation} ON true"
            )
        return f"{word} {relation} ON {Expressions(self._scope).boolean(on, 'JOIN ON clause').sql}"

    def _using(self, names: list[exp.Expr], before: int, word: str) -> str:
        """Compile USING; the columns appear once, and first, in what ``*`` means."""
        conditions = []
        relations = self._scope.relations
        for node in names:
            name = node.name.lower()
            left = self._side(relations[:before], name)
            right = self._side(relations[before:], name)
            conditions.append(operators.compare("=", left.expr, right.expr).sql)
            self._scope.uses.add(left.uses | right.uses)
            kept = [column for column in self._scope.merged if column.name != name]
            self._scope.merged[:] = [*kept, _merged(left, right, word)]
        return " AND ".join(conditions)

    def _side(self, relations: list[Relation], name: str) -> Column:
        merged = next((c for c in self._scope.merged if c.name == name), None)
        if (
            merged is not None
            and relations is not self._scope.relations
            and relations[0] is self._scope.relations[0]
        ):
            return merged
        found = [c for relation in relations for c in relation.columns if c.name == name]
        if len(found) != 1:
            raise QueryError(
                "COLUMN_NOT_FOUND", f"Column '{name}' is missing from one side of the join, or ambiguous"
            )
        return found[0]

    def _unnest(self, node: exp.Unnest) -> str:
        arguments = [Expressions(self._scope).compile(item) for item in node.expressions]
        offset = node.args.get("offset")
        inner, outer, types = [], [], []
        for i, argument in enumerate(arguments):
            values, parts = _unnested(argument, f"e{i}")
            inner.append(f"unnest({values}) AS e{i}")
            outer += [sql for sql, _ in parts]
            types += [type_ for _, type_ in parts]
        if offset:
            lengths = ", ".join(f"coalesce({_length(argument)}, 0)" for argument in arguments)
            inner.append(f"unnest(range(1, greatest({lengths}, 0) + 1)) AS n")
            outer.append("n")
            types.append(t.BIGINT)
        alias = self._compiler.name("r")
        names = _unnest_names(node, len(types))
        columns = [
            Column(n, Expr(f"{alias}.c{i}", ty)) for i, (n, ty) in enumerate(zip(names, types, strict=True))
        ]
        table = node.args.get("alias")
        qualifier = (table.this.name.lower(),) if table is not None and table.this is not None else ()
        self._scope.relations.append(Relation(qualifier, tuple(columns)))
        positions = ", ".join(f"c{i}" for i in range(len(types)))
        body = f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)})"  # noqa: S608 - made of quoted names and compiled text
        return f"{'LATERAL ' if len(self._scope.relations) > 1 else ''}({body}) AS {alias}({positions})"


def _merged(left: Column, right: Column, word: str) -> Column:
    uses = left.uses | right.uses
    if word == "FULL JOIN":
        return Column(left.name, Expr(f"coalesce({left.expr.sql}, {right.expr.sql})", left.expr.type), uses)
    return Column(left.name, (right if word == "RIGHT JOIN" else left).expr, uses)


def _unnested(argument: Expr, name: str) -> tuple[str, list[tuple[str, Type]]]:
    """Return the list to unnest, and how its element's columns are read."""
    if argument.type.name == "map":
        key, value = argument.type.args
        return f"map_entries({argument.sql})", [(f"{name}.key", key), (f"{name}.value", value)]
    if argument.type.name != "array":
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {argument.type}")
    element = argument.type.args[0]
    if element.name == "row":
        pairs = zip(element.fields, element.args, strict=True)
        return argument.sql, [(f"{name}.{quote(field)}", type_) for field, type_ in pairs]
    return argument.sql, [(name, element)]


def _length(argument: Expr) -> str:
    return f"cardinality({argument.sql})" if argument.type.name == "map" else f"len({argument.sql})"


def _unnest_names(node: exp.Unnest, count: int) -> list[str]:
    alias, offset = node.args.get("alias"), node.args.get("offset")
    given = [column.name.lower() for column in alias.columns] if alias is not None else []
    if isinstance(offset, exp.Identifier) and given:
        given.append(offset.name.lower())
    if given and len(given) != count:
        raise QueryError(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(given)} entries but UNNEST has {count} columns",
        )
    return given or [f"_col{i}" for i in range(count)]
