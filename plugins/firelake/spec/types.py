"""The types a column may have: Iceberg's, written as Athena writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PRIMITIVES = frozenset({"string", "int", "bigint", "float", "double", "boolean", "timestamp", "date"})

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|\d+|[<>(),:])")
_MAX_PRECISION = 38


@dataclass(frozen=True)
class Primitive:
    """A type without parts: one of :data:`PRIMITIVES`. A timestamp is UTC, to the microsecond."""

    name: str

    def __str__(self) -> str:
        """Return the type as Athena writes it."""
        return self.name


@dataclass(frozen=True)
class Decimal:
    """A decimal number of ``precision`` digits, ``scale`` of them after the point."""

    precision: int
    scale: int

    def __str__(self) -> str:
        """Return the type as Athena writes it."""
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True)
class ListOf:
    """A list of values of one type."""

    element: ColumnType

    def __str__(self) -> str:
        """Return the type as Athena writes it."""
        return f"array<{self.element}>"


@dataclass(frozen=True)
class MapOf:
    """A map from texts to values of one type."""

    value: ColumnType

    def __str__(self) -> str:
        """Return the type as Athena writes it."""
        return f"map<string,{self.value}>"


@dataclass(frozen=True)
class StructOf:
    """Named fields, in order."""

    fields: tuple[tuple[str, ColumnType], ...]

    def __str__(self) -> str:
        """Return the type as Athena writes it."""
        return "struct<" + ",".join(f"{name}:{kind}" for name, kind in self.fields) + ">"


ColumnType = Primitive | Decimal | ListOf | MapOf | StructOf


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split(text))
        self._next = 0

    def _split(self, text: str) -> Iterator[str]:
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ValueError(f"type {text!r}: {text[position:]!r} makes no sense here")
            yield match.group(1)
            position = match.end()

    def _take(self, wanted: str | None = None) -> str:
        token = self._tokens[self._next] if self._next < len(self._tokens) else "the end"
        if wanted is not None and token != wanted:
            raise ValueError(f"type {self._text!r}: expected {wanted!r}, found {token!r}")
        self._next += 1
        return token

    def parse(self) -> ColumnType:
        kind = self._type()
        if self._next < len(self._tokens):
            raise ValueError(f"type {self._text!r}: nothing may follow {kind}")
        return kind

    def _type(self) -> ColumnType:
        name = self._take().lower()
        if name in PRIMITIVES:
            return Primitive(name)
        if name == "decimal":
            return self._decimal()
        if name in {"list", "array"}:
            self._take("<")
            element = self._type()
            self._take(">")
            return ListOf(element)
        if name == "map":
            return self._map()
        if name == "struct":
            return self._struct()
        known = ", ".join([*sorted(PRIMITIVES), "decimal(p,s)", "list<…>", "map<string,…>", "struct<name:…>"])
        raise ValueError(f"unknown type {name!r}; use one of {known}")

    def _decimal(self) -> Decimal:
        self._take("(")
        precision = self._number()
        self._take(",")
        scale = self._number()
        self._take(")")
        if not 1 <= precision <= _MAX_PRECISION or scale > precision:
            raise ValueError(f"decimal({precision},{scale}): precision is 1 to 38, scale at most that")
        return Decimal(precision, scale)

    def _number(self) -> int:
        token = self._take()
        if not token.isdigit():
            raise ValueError(f"type {self._text!r}: expected a number, found {token!r}")
        return int(token)

    def _map(self) -> MapOf:
        self._take("<")
        if self._take().lower() != "string":
            raise ValueError(f"type {self._text!r}: JSON keys are texts, so write map<string,…>")
        self._take(",")
        value = self._type()
        self._take(">")
        return MapOf(value)

    def _struct(self) -> StructOf:
        self._take("<")
        fields: list[tuple[str, ColumnType]] = []
        while True:
            name = self._take()
            self._take(":")
            fields.append((name, self._type()))
            if self._take() == ">":
                break
            if self._tokens[self._next - 1] != ",":
                raise ValueError(f"type {self._text!r}: fields are separated by commas")
        if len({name for name, _ in fields}) < len(fields):
            raise ValueError(f"type {self._text!r}: a field is named twice")
        return StructOf(tuple(fields))


def parse_type(text: str) -> ColumnType:
    """Read a type such as ``int``, ``decimal(10,2)`` or ``list<struct<name:string>>``.

    Raises
    ------
    ValueError
        If the text is no type; the message says what is.
    """
    return _Parser(text).parse()
