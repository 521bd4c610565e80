"""Reading types from text: Trino's and Hive's spellings, as in casts and in the Glue catalog."""

from __future__ import annotations

import re
from typing import Final

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.types import Type

_TOKEN: Final = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([A-Za-z_$][\w$.\-]*)|(\d+)|([(),:<>]))')

_PLAIN: Final = {
    "boolean": t.BOOLEAN,
    "tinyint": t.TINYINT,
    "smallint": t.SMALLINT,
    "int": t.INTEGER,
    "integer": t.INTEGER,
    "bigint": t.BIGINT,
    "long": t.BIGINT,
    "real": t.REAL,
    "float": t.REAL,
    "double": t.DOUBLE,
    "string": t.VARCHAR,
    "varchar": t.VARCHAR,
    "text": t.VARCHAR,
    "varbinary": t.VARBINARY,
    "binary": t.VARBINARY,
    "date": t.DATE,
    "time": t.TIME,
    "json": t.JSON,
    "uuid": t.UUID,
}


def parse_type(text: str) -> Type:
    """Read a type such as ``row(a integer, b array(varchar))`` or ``struct<a:int,b:array<string>>``."""
    reader = TypeReader(text)
    type_ = reader.type()
    reader.finish()
    return type_


class TypeReader:
    """Reads one type from its text; signatures extend it with type variables."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._at = 0

    def _split(self) -> list[str]:
        tokens, at, text = [], 0, self._text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self.unknown()
            quoted, word, number, sign = match.groups()
            tokens.append(quoted.replace('""', '"') if quoted is not None else word or number or sign)
            at = match.end()
        return tokens

    def unknown(self) -> QueryError:
        """Return the failure to raise for text that is no type."""
        return QueryError("TYPE_NOT_FOUND", f"Unknown type: {self._text}")

    def peek(self, ahead: int = 0) -> str:
        """Return the next token, or one further ahead; empty at the end."""
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def next(self) -> str:
        """Take the next token."""
        token = self.peek()
        self._at += 1
        return token

    def _expect(self, *signs: str) -> None:
        if self.next() not in signs:
            raise self.unknown()

    def finish(self) -> None:
        """Fail unless the whole text was read."""
        if self._at != len(self._tokens):
            raise self.unknown()

    def type(self) -> Type:
        """Read one type."""
        name = self.next().lower()
        if name in ("array", "map", "row", "struct") and self.peek() in ("(", "<"):
            return self.nested(name)
        if name == "double" and self.peek().lower() == "precision":
            self.next()
            return t.DOUBLE
        if name == "timestamp":
            return self._timestamp()
        if name == "interval":
            return self._interval()
        if name in ("decimal", "numeric"):
            return self._decimal()
        if name in ("varchar", "char") and self.peek() == "(":
            return Type(name, self._numbers())
        if name == "char":
            return Type("char", (1,))
        if name not in _PLAIN:
            raise self.unknown()
        return _PLAIN[name]

    def nested(self, name: str) -> Type:
        """Read the arguments of an array, map, row or function type."""
        self._expect("(", "<")
        if name in ("row", "struct"):
            fields = [self._field()]
            while self.peek() == ",":
                self.next()
                fields.append(self._field())
            self._expect(")", ">")
            return t.row(fields)
        args = [self.type()]
        while self.peek() == ",":
            self.next()
            args.append(self.type())
        self._expect(")", ">")
        if len(args) != {"array": 1, "map": 2}.get(name, len(args)):
            raise self.unknown()
        return Type(name, args=tuple(args))

    def _field(self) -> tuple[str, Type]:
        name = self.next()
        if self.peek() == ":":
            self.next()
        return name.lower(), self.type()

    def _numbers(self) -> tuple[int, ...]:
        self._expect("(")
        numbers = [self._number()]
        while self.peek() == ",":
            self.next()
            numbers.append(self._number())
        self._expect(")")
        return tuple(numbers)

    def _number(self) -> int:
        token = self.next()
        if not token.isdigit():
            raise self.unknown()
        return int(token)

    def _decimal(self) -> Type:
        params = self._numbers() if self.peek() == "(" else (t.MAX_DECIMAL, 0)
        precision, scale = params if len(params) == 2 else (params[0], 0)
        if not 1 <= precision <= t.MAX_DECIMAL or scale > precision:
            raise self.unknown()
        return t.decimal(precision, scale)

    def _interval(self) -> Type:
        name = " ".join(["interval", *(self.next().lower() for _ in range(3))])
        if name not in t.INTERVALS:
            raise self.unknown()
        return Type(name)

    def _timestamp(self) -> Type:
        precision = self._numbers()[0] if self.peek() == "(" else 3
        if self.peek().lower() not in ("with", "without"):
            return t.timestamp(precision)
        return t.timestamptz(precision) if self.zone() else t.timestamp(precision)

    def zone(self) -> bool:
        """Read ``with time zone`` or ``without time zone`` and return whether there is one."""
        zoned = self.next().lower() == "with"
        for word in ("time", "zone"):
            if self.next().lower() != word:
                raise self.unknown()
        return zoned
