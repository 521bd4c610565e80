"""Parsing Athena's queries into a tree that keeps every function call as it was written."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar, Final, cast

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokenizer_core import Token, TokenType

from localaws.athena.failure import QueryError

EXPLICIT: Final = "explicit"
"""Marks a cast that was written as one, not as a typed literal."""

_SYNTAX: Final = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "LISTAGG")


class AthenaDialect(Trino):
    """Trino, read literally: no function is given a meaning, no subscript is shifted."""

    INDEX_OFFSET = 0

    class Tokenizer(Trino.Tokenizer):
        """Takes Hive's quotes around names as well, for DDL, and swallows no statement whole."""

        COMMANDS: ClassVar[Any] = set()
        IDENTIFIERS: ClassVar[Any] = ['"', "`"]

    class Parser(TrinoParser):
        """Keeps calls anonymous, so that only our own table of functions gives them a meaning."""

        FUNCTIONS: ClassVar[Any] = {}
        FUNCTION_PARSERS: ClassVar[Any] = {
            name: parser for name, parser in TrinoParser.FUNCTION_PARSERS.items() if name in _SYNTAX
        }
        COLUMN_OPERATORS: ClassVar[Any] = {TokenType.DOT: TrinoParser.COLUMN_OPERATORS[TokenType.DOT]}

        def _parse_cast(self, strict: bool, safe: bool | None = None) -> Any:
            """Tell ``CAST('1.50' AS decimal)`` from the literal ``DECIMAL '1.50'``."""
            node = super()._parse_cast(strict, safe)
            if node is not None:
                node.meta[EXPLICIT] = True
            return node


def parse_query(sql: str) -> exp.Query:
    """Parse one SELECT, WITH, VALUES or TABLE statement."""
    tree = _parse(sql)
    if not isinstance(tree, exp.Query | exp.Values):
        raise syntax_error(sql, 0, "expected a query")
    return cast(exp.Query, tree)


def parse_expression(sql: str) -> exp.Expr:
    """Parse one expression, such as an execution parameter."""
    query = parse_query(f"SELECT {sql}")
    others = [key for key, value in query.args.items() if value and key != "expressions"]
    if others or len(query.expressions) != 1 or isinstance(query.expressions[0], exp.Alias):
        raise syntax_error(sql, 0, "expected one expression")
    (expression,) = query.expressions
    return cast(exp.Expr, expression)


def _parse(sql: str) -> exp.Expr:
    dialect = AthenaDialect()
    try:
        tokens = list(dialect.tokenize(sql))
        _check_neighbours(sql, tokens)
        trees = dialect.parser().parse(tokens, sql)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        detail = str(first.get("description") or error).split(" <Token")[0]
        position = (int(first.get("line") or 1), int(first.get("col") or 1))
        raise QueryError("SYNTAX_ERROR", _describe(detail, first), position) from error
    except (SqlglotError, RecursionError) as error:
        raise QueryError("SYNTAX_ERROR", str(error) or "query is nested too deeply") from error
    if len(trees) != 1 or trees[0] is None:
        raise syntax_error(sql, 0, "expected exactly one statement")
    return trees[0]


_ENDS_OF_LISTS: Final = (
    TokenType.R_PAREN,
    TokenType.FROM,
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.ORDER_BY,
)


def _check_neighbours(sql: str, tokens: list[Token]) -> None:
    """Refuse what the parser lets pass: a comma before nothing, ``1_000``, ``0x1F``, ``'a' 'b'``."""
    if tokens and tokens[-1].token_type is TokenType.COMMA:
        raise syntax_error(sql, tokens[-1].end, "mismatched input '<EOF>'. Expecting: <expression>")
    for token in tokens:
        if token.token_type is TokenType.HEX_STRING and sql[token.start] == "0":
            raise syntax_error(sql, token.start, f"mismatched input '{sql[token.start : token.end + 1]}'")
    for left, right in pairwise(tokens):
        kinds = (left.token_type, right.token_type)
        if (
            (kinds[0] is TokenType.COMMA and kinds[1] in _ENDS_OF_LISTS)
            or kinds == (TokenType.STRING, TokenType.STRING)
            or (kinds == (TokenType.NUMBER, TokenType.VAR) and right.start == left.end + 1)
        ):
            raise syntax_error(sql, right.start, f"mismatched input '{sql[right.start : right.end + 1]}'")


def _describe(detail: str, error: dict[str, Any]) -> str:
    near = error.get("highlight")
    return f"mismatched input '{near}'. {detail}" if near else detail


def tokenize(sql: str) -> list[Token]:
    """Split a statement into tokens; comments are dropped."""
    try:
        return list(AthenaDialect().tokenize(sql))
    except SqlglotError as error:
        raise QueryError("SYNTAX_ERROR", str(error)) from error


def syntax_error(sql: str, offset: int, message: str) -> QueryError:
    """Return a SYNTAX_ERROR at an offset of the statement."""
    return QueryError("SYNTAX_ERROR", message, line_and_column(sql, offset))


def line_and_column(sql: str, offset: int) -> tuple[int, int]:
    """Return the 1-based line and column of an offset."""
    before = sql[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def with_parameters(sql: str, parameters: list[str]) -> str:
    """Put execution parameters, each a literal, in the place of the statement's question marks."""
    marks = [token for token in tokenize(sql) if token.token_type is TokenType.PLACEHOLDER]
    if len(marks) != len(parameters):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}",
        )
    pieces, end = [], 0
    for mark, value in zip(marks, parameters, strict=True):
        pieces += [sql[end : mark.start], _literal(value)]
        end = mark.end + 1
    return "".join([*pieces, sql[end:]])


_LITERAL_NODES: Final = (
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.Neg,
    exp.Paren,
    exp.Cast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Interval,
    exp.Var,
    exp.Array,
    exp.HexString,
)


def _literal(text: str) -> str:
    tree = parse_expression(text)
    stranger = next((node for node in tree.walk() if not isinstance(node, _LITERAL_NODES)), None)
    if stranger is not None:
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"execution parameter {text!r} is not a literal; write strings in single quotes",
        )
    return text if isinstance(tree, exp.Literal) else f"({text})"
