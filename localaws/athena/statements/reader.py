"""Reading statements word by word, where they are not queries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from localaws.athena.failure import QueryError
from localaws.athena.sql.parser import parse_expression, syntax_error, tokenize


@dataclass(frozen=True)
class Word:
    """A token; those of several words, such as PARTITIONED BY, are taken apart."""

    text: str
    kind: TokenType
    start: int
    end: int


def _words(sql: str) -> list[Word]:
    words: list[Word] = []
    for token in tokenize(sql):
        written = sql[token.start : token.end + 1]
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER) or not re.search(r"\s", written):
            words.append(Word(token.text, token.token_type, token.start, token.end))
            continue
        for part in re.finditer(r"\S+", written):
            at = token.start + part.start()
            words.append(Word(part[0], TokenType.VAR, at, at + len(part[0]) - 1))
    return words


class Reader:
    """The tokens of a statement, and where reading has come to."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._tokens = _words(sql)
        if self._tokens and self._tokens[-1].kind is TokenType.SEMICOLON:
            self._tokens.pop()
        self._at = 0

    def peek(self, ahead: int = 0) -> str:
        """Return a coming token in upper case; empty at the end and for strings."""
        at = self._at + ahead
        if at >= len(self._tokens) or self._tokens[at].kind is TokenType.STRING:
            return ""
        return self._tokens[at].text.upper()

    def words(self) -> list[str]:
        """Return all coming tokens, as :meth:`peek` gives them."""
        return [self.peek(i) for i in range(len(self._tokens) - self._at)]

    def take(self, *words: str) -> bool:
        """Take these words if they come next."""
        if any(self.peek(i) != word for i, word in enumerate(words)):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Take these words, or fail."""
        if not self.take(*words):
            raise self.failure(f"expecting {' '.join(words)}")

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._tokens)

    def finish(self) -> None:
        """Fail if something is left."""
        if not self.at_end:
            raise self.failure("expecting the end of the statement")

    def failure(self, message: str) -> QueryError:
        """Return a SYNTAX_ERROR at the next token."""
        if self.at_end:
            return syntax_error(self.sql, len(self.sql), f"mismatched input '<EOF>'. {message}")
        token = self._tokens[self._at]
        return syntax_error(self.sql, token.start, f"mismatched input '{token.text}'. {message}")

    def token(self) -> Word:
        """Take the next token."""
        if self.at_end:
            raise self.failure("expecting more")
        self._at += 1
        return self._tokens[self._at - 1]

    def identifier(self) -> str:
        """Take a name; it is lower case from here on."""
        token = self.token()
        if token.kind in (TokenType.STRING, TokenType.NUMBER) or not token.text.strip("$"):
            self._at -= 1
            raise self.failure("expecting an identifier")
        text = self.sql[token.start : token.end + 1]
        return (text[1:-1] if text[0] in '"`' else text).lower()

    def name(self) -> list[str]:
        """Take a dotted name."""
        parts = [self.identifier()]
        while self.take("."):
            parts.append(self.identifier())
        return parts

    def string(self) -> str:
        """Take a string literal."""
        token = self.token()
        quoted = self.sql[token.start]
        if token.kind is not TokenType.STRING and quoted != '"':
            self._at -= 1
            raise self.failure("expecting a string")
        return str(token.text)

    def in_parentheses(self) -> str:
        """Take a parenthesis that comes next, up to the one that closes it; return what is inside."""
        opening = self.token()
        if opening.kind is not TokenType.L_PAREN:
            self._at -= 1
            raise self.failure("expecting '('")
        depth = 1
        while depth:
            token = self.token()
            depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.kind, 0)
        return self.sql[opening.end + 1 : token.start]

    def rest(self) -> str:
        """Take all that is left."""
        start = self._tokens[self._at].start if not self.at_end else len(self.sql)
        end = self._tokens[-1].end + 1 if self._tokens else 0
        self._at = len(self._tokens)
        return self.sql[start:end]

    def properties(self) -> dict[str, Any]:
        """Take ``(name = value, ...)``; values are strings, numbers, booleans and arrays of strings."""
        inner = Reader(self.in_parentheses())
        found: dict[str, Any] = {}
        while not inner.at_end:
            name = inner.identifier()
            inner.expect("=")
            found[name] = value_of(inner.until_comma())
            inner.take(",")
        return found

    def string_pairs(self) -> dict[str, str]:
        """Take ``('name' = 'value', ...)``, as TBLPROPERTIES has it."""
        inner = Reader(self.in_parentheses())
        found: dict[str, str] = {}
        while not inner.at_end:
            name = inner.string()
            inner.expect("=")
            found[name] = inner.string()
            if not inner.take(",") and not inner.at_end:
                raise inner.failure("expecting ','")
        return found

    def until_comma(self) -> str:
        """Take everything up to a comma outside parentheses and brackets, or the end."""
        start = self._at
        depth = 0
        while not self.at_end:
            kind = self._tokens[self._at].kind
            if depth == 0 and kind is TokenType.COMMA:
                break
            depth += kind in (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.LT)
            depth -= kind in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.GT)
            self._at += 1
        if start == self._at:
            raise self.failure("expecting a value")
        return self.sql[self._tokens[start].start : self._tokens[self._at - 1].end + 1]


def value_of(text: str) -> Any:
    """Return a property's value: a string, number, boolean or list of strings."""
    node = parse_expression(text)
    match node:
        case exp.Literal():
            return (
                str(node.this) if node.is_string else float(node.this) if "." in node.this else int(node.this)
            )
        case exp.Boolean():
            return bool(node.this)
        case exp.Array():
            return [value_of(item.sql("trino")) for item in node.expressions]
    raise QueryError("INVALID_PROPERTY_VALUE", f"property value {text} is not a literal")
