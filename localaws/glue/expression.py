"""The Expression of GetPartitions: which partitions a query reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from localaws.service import AwsError
from localaws.store import Document

Predicate = Callable[[Sequence[str]], bool]
_Evaluate = Callable[[Mapping[str, Any]], Any]

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "tinyint": int,
    "smallint": int,
    "int": int,
    "integer": int,
    "bigint": int,
    "long": int,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


def compile_expression(expression: str, keys: Sequence[Document]) -> Predicate:
    """Return the test that an expression makes of a partition's values.

    Parameters
    ----------
    expression
        Comparisons of partition keys with ``AND``, ``OR``, ``NOT``, ``IN``, ``BETWEEN``, ``LIKE`` and
        ``IS NULL``; empty for all partitions.
    keys
        The table's ``PartitionKeys``, whose types decide how values compare.

    Raises
    ------
    AwsError
        ``InvalidInputException`` for what cannot be understood, by name.
    """
    if not expression.strip():
        return lambda values: True
    converters = {key["Name"].lower(): _converter(key.get("Type", "string")) for key in keys}
    evaluate = _Compiler(expression, converters).compile()

    def test(values: Sequence[str]) -> bool:
        named = zip(converters.items(), values, strict=True)
        row = {name: _convert(convert, value, name) for (name, convert), value in named}
        return evaluate(row) is True

    return test


class _Compiler:
    """Turns a parsed expression into a function; SQL's three values are True, False and None."""

    def __init__(self, text: str, converters: Mapping[str, Callable[[str], Any]]) -> None:
        # Imported here: most catalogs are never asked with an expression.
        from sqlglot import exp, parse_one
        from sqlglot.errors import SqlglotError

        self._exp = exp
        self._converters = converters
        self._text = text
        try:
            self._tree: Any = parse_one(text, dialect="hive")
        except SqlglotError as error:
            raise self._refusal(str(error).splitlines()[0]) from error

    def compile(self) -> _Evaluate:
        return self._node(self._tree)

    def _node(self, node: Any) -> _Evaluate:
        exp = self._exp
        if isinstance(node, exp.Paren):
            return self._node(node.this)
        if isinstance(node, exp.And | exp.Or):
            return _junction(self._node(node.left), self._node(node.right), isinstance(node, exp.Or))
        if isinstance(node, exp.Not):
            inner = self._node(node.this)
            return lambda row: None if (value := inner(row)) is None else not value
        return self._condition(node)

    def _condition(self, node: Any) -> _Evaluate:
        exp = self._exp
        comparison = _COMPARISONS.get(type(node).__name__)
        if comparison is not None:
            return self._comparison(node, comparison)
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            name = self._key(node.this)
            return lambda row: row[name] is None
        if isinstance(node, exp.In):
            choices = [self._literal(choice, node.this) for choice in node.expressions]
            return self._test(node.this, lambda value: value in choices)
        if isinstance(node, exp.Between):
            low, high = (self._literal(node.args[end], node.this) for end in ("low", "high"))
            return self._test(node.this, lambda value: low <= value <= high)
        if isinstance(node, exp.Like):
            pattern = _like(str(self._literal(node.expression, node.this)))
            return self._test(node.this, lambda value: pattern.fullmatch(str(value)) is not None)
        raise self._refusal(f"{node.sql()} is not a comparison of a partition key")

    def _comparison(self, node: Any, compare: Callable[[Any, Any], bool]) -> _Evaluate:
        column = self._exp.Column
        if isinstance(node.this, column):
            bound = self._literal(node.expression, node.this)
            return self._test(node.this, lambda value: compare(value, bound))
        bound = self._literal(node.this, node.expression)
        return self._test(node.expression, lambda value: compare(bound, value))

    def _test(self, column: Any, test: Callable[[Any], bool]) -> _Evaluate:
        name = self._key(column)
        return lambda row: None if row[name] is None else test(row[name])

    def _key(self, node: Any) -> str:
        if not isinstance(node, self._exp.Column) or node.name.lower() not in self._converters:
            raise self._refusal(f"{node.sql()} is no partition key")
        name: str = node.name.lower()
        return name

    def _literal(self, node: Any, column: Any) -> Any:
        exp = self._exp
        sign = "-" if isinstance(node, exp.Neg) else ""
        inner = node.this if isinstance(node, exp.Neg | exp.Cast | exp.Paren) else node
        if not isinstance(inner, exp.Literal):
            raise self._refusal(f"{node.sql()} is no literal")
        name = self._key(column)
        return _convert(self._converters[name], sign + inner.this, name)

    def _refusal(self, reason: str) -> AwsError:
        return AwsError("InvalidInputException", f"Expression {self._text!r}: {reason}")


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda left, right: bool(left == right),
    "NEQ": lambda left, right: bool(left != right),
    "GT": lambda left, right: bool(left > right),
    "GTE": lambda left, right: bool(left >= right),
    "LT": lambda left, right: bool(left < right),
    "LTE": lambda left, right: bool(left <= right),
}


def _junction(left: _Evaluate, right: _Evaluate, deciding: bool) -> _Evaluate:
    """Return AND, or OR when True is what decides, over three values."""

    def evaluate(row: Mapping[str, Any]) -> Any:
        first = left(row)
        if first is deciding:
            return deciding
        second = right(row)
        if second is deciding:
            return deciding
        return None if first is None or second is None else not deciding

    return evaluate


def _converter(hive_type: str) -> Callable[[str], Any]:
    return _CONVERTERS.get(hive_type.partition("(")[0].strip().lower(), str)


def _convert(convert: Callable[[str], Any], value: str, name: str) -> Any:
    if value == _HIVE_NULL:
        return None
    try:
        return convert(value)
    except (ValueError, InvalidOperation) as error:
        message = f"{value!r} does not fit the type of partition key {name}"
        raise AwsError("InvalidInputException", message) from error


def _like(pattern: str) -> re.Pattern[str]:
    wildcards = {"%": ".*", "_": "."}
    return re.compile(
        "".join(wildcards.get(character, re.escape(character)) for character in pattern), re.DOTALL
    )
