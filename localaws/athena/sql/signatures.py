"""Function signatures: reading them, and choosing the overload that a call means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from localaws.athena.sql import types as t
from localaws.athena.sql.type_text import TypeReader
from localaws.athena.sql.types import Type

_SIGNATURE: Final = re.compile(r"^\((.*)\)\s*->\s*(.+)$")
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "number": t.NUMBERS,
    "integer": t.INTEGERS,
    "float": ("real", "double"),
    "datetime": t.DATETIMES,
    "instant": ("timestamp", "timestamptz"),
}

_SIZED: Final = ("varchar", "char", "timestamp", "timestamptz")


@dataclass(frozen=True)
class Signature:
    """One overload of a function.

    Parameters
    ----------
    parameters
        Patterns; single capitals are type variables, ``function`` a lambda. In ``varchar(x)`` and
        ``timestamp(p)``, the small letter stands for whatever length or precision comes.
    result
        Pattern of the result.
    template
        DuckDB's expression, with ``{0}``, ``{1}`` … for the arguments.
    variadic
        Whether the last parameter may be repeated, or left out.
    """

    parameters: tuple[Type, ...]
    result: Type
    template: str
    variadic: bool = False

    def expanded(self, count: int) -> tuple[Type, ...] | None:
        """Return one pattern for each of ``count`` arguments, or ``None`` if that many do not fit."""
        fixed = len(self.parameters)
        if self.variadic and count >= fixed - 1:
            return self.parameters[:-1] + self.parameters[-1:] * (count - fixed + 1)
        return self.parameters if count == fixed else None


@dataclass
class Bindings:
    """What the type variables of a signature stand for in one call."""

    types: dict[str, Type] = field(default_factory=dict)
    sizes: dict[str, int | None] = field(default_factory=dict)
    cost: int = 0

    def match(self, pattern: Type, actual: Type) -> bool:
        """Bind ``actual`` to ``pattern``; ``False`` when it does not fit."""
        if _is_variable(pattern):
            return self._bind(pattern, actual)
        if _is_sized(pattern):
            self.sizes[pattern.fields[0]] = size_of(actual)
        if actual == t.UNKNOWN or (pattern.name == actual.name and not pattern.args):
            return True
        if pattern.name == actual.name and len(pattern.args) == len(actual.args):
            return all(self.match(p, a) for p, a in zip(pattern.args, actual.args, strict=True))
        if pattern.args or not t.converts(actual, pattern):
            return False
        self.cost += 1 + _distance(actual, pattern)
        return True

    def _bind(self, variable: Type, actual: Type) -> bool:
        kind = variable.fields[0] if variable.fields else ""
        if kind and actual != t.UNKNOWN and actual.name not in _KINDS[kind]:
            return False
        known = self.types.get(variable.name, t.UNKNOWN)
        common = t.common_type(known, actual)
        if common is None:
            return False
        self.types[variable.name] = common
        return True

    def resolve(self, pattern: Type) -> Type:
        """Return ``pattern`` with its variables replaced by what they stand for."""
        if _is_variable(pattern):
            return self.types.get(pattern.name, t.UNKNOWN)
        if _is_sized(pattern):
            size = self.sizes.get(pattern.fields[0])
            return Type(pattern.name, () if size is None else (size,))
        args = tuple(self.resolve(arg) for arg in pattern.args)
        return Type(pattern.name, pattern.params, args, pattern.fields) if args else pattern


def _is_variable(pattern: Type) -> bool:
    return len(pattern.name) == 1 and pattern.name.isupper()


def _is_sized(pattern: Type) -> bool:
    return pattern.name in _SIZED and bool(pattern.fields)


def size_of(actual: Type) -> int | None:
    """Return the length of a text type, ``None`` without bound, or the precision of a time."""
    if actual.params:
        return actual.params[0]
    return 0 if actual in (t.UNKNOWN, t.DATE) else None


def _distance(actual: Type, wanted: Type) -> int:
    if actual.name in t.NUMBERS and wanted.name in t.NUMBERS:
        return t.NUMBERS.index(wanted.name) - t.NUMBERS.index(actual.name)
    if actual.name in t.DATETIMES and wanted.name in t.DATETIMES:
        return t.DATETIMES.index(wanted.name) - t.DATETIMES.index(actual.name)
    return 1


class _PatternReader(TypeReader):
    def type(self) -> Type:
        word = self.peek()
        if len(word) == 1 and word.isupper():
            self.next()
            return Type(word, fields=(self._kind(),) if self.peek() == ":" else ())
        if word == "function":
            self.next()
            return self.nested("function")
        if word in _SIZED and self.peek(1) == "(" and self.peek(2).isalpha():
            return self._sized()
        return super().type()

    def _sized(self) -> Type:
        name, _, variable, _ = (self.next() for _ in range(4))
        if name == "timestamp" and self.peek() == "with" and self.zone():
            name = "timestamptz"
        return Type(name, fields=(variable,))

    def _kind(self) -> str:
        self.next()
        kind = self.next()
        if kind not in _KINDS:
            raise self.unknown()
        return kind


def read_pattern(text: str) -> Type:
    """Read a type in which single capitals are variables."""
    reader = _PatternReader(text)
    pattern = reader.type()
    reader.finish()
    return pattern


def read_signature(text: str, template: str) -> Signature:
    """Read a signature such as ``(array(T), function(T, U)) -> array(U)``."""
    match = _SIGNATURE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a signature of the form (types) -> type")
    inner, result = match.groups()
    variadic = inner.endswith("...")
    inner = inner.removesuffix("...").strip()
    parameters = read_pattern(f"function({inner})").args if inner else ()
    return Signature(parameters, read_pattern(result), template, variadic)
