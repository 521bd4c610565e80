"""Lists, maps and structs as DuckDB SQL: every value in them read by its own type's rules.

DuckDB's own reading of nested JSON rounds 1.5 to the int 2 and forgets the offset of a time; here
a value is refused if anything in it does not read without loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firelake.spec.types import ColumnType, ListOf, MapOf, StructOf
from firelake.sql import identifier, literal, literals

Scalar = Callable[[str, ColumnType], str]


@dataclass(frozen=True)
class NestedReader:
    """Writes SQL that reads nested values from their JSON text.

    Parameters
    ----------
    scalar
        SQL for the value of a text by a type without parts; null where it does not read.
    closed
        Whether a struct with undeclared fields is refused, because they would be lost.
    """

    scalar: Scalar
    closed: bool

    def read(self, text: str, kind: ColumnType) -> str:
        """Return SQL for the value of a JSON text; null where it, or anything in it, does not read."""
        return f"CASE WHEN {self._reads(text, kind, 0)} THEN {self._value(text, kind, 0)} END"

    def _value(self, text: str, kind: ColumnType, depth: int) -> str:
        each = f"e{depth}"
        match kind:
            case ListOf(element):
                inner = self._value(each, element, depth + 1)
                return f"list_transform({_elements(text)}, lambda {each}: {inner})"
            case MapOf(value):
                inner = self._value(each, value, depth + 1)
                values = f"list_transform({_members(text)}, lambda {each}: {inner})"
                return f"CASE WHEN {text} IS NOT NULL THEN map({_keys(text)}, {values}) END"
            case StructOf(fields):
                parts = (
                    f"{identifier(name)} := {self._value(_field(text, name), field, depth + 1)}"
                    for name, field in fields
                )
                return f"CASE WHEN {text} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"
            case _:
                return self.scalar(text, kind)

    def _reads(self, text: str, kind: ColumnType, depth: int) -> str:
        """Return SQL that is true where a text is null or all of it reads."""
        each = f"e{depth}"
        match kind:
            case ListOf(element):
                wrong = f"NOT {self._reads(each, element, depth + 1)}"
                every = f"len(list_filter({_elements(text)}, lambda {each}: {wrong})) = 0"
                return f"({text} IS NULL OR ({_is(text, 'ARRAY')} AND {every}))"
            case MapOf(value):
                wrong = f"NOT {self._reads(each, value, depth + 1)}"
                every = f"len(list_filter({_members(text)}, lambda {each}: {wrong})) = 0"
                once = f"len(list_distinct({_keys(text)})) = len({_keys(text)})"
                return f"({text} IS NULL OR ({_is(text, 'OBJECT')} AND {once} AND {every}))"
            case StructOf(fields):
                checks = [self._reads(_field(text, name), field, depth + 1) for name, field in fields]
                if self.closed:
                    names = literals(name for name, _ in fields)
                    checks.append(f"list_has_all([{names}], {_keys(text)})")
                return f"({text} IS NULL OR ({_is(text, 'OBJECT')} AND {' AND '.join(checks)}))"
            case _:
                return f"({text} IS NULL OR {self.scalar(text, kind)} IS NOT NULL)"


def _json(text: str) -> str:
    """Guard against texts that are no JSON, which DuckDB would raise as an error."""
    return f"(CASE WHEN json_valid({text}) THEN {text} END)"


def _is(text: str, json_type: str) -> str:
    return f"coalesce(json_type({_json(text)}) = {literal(json_type)}, false)"


def _elements(text: str) -> str:
    return f"json_extract_string({_json(text)}, '$[*]')"


def _members(text: str) -> str:
    return f"json_extract_string({_json(text)}, '$.*')"


def _keys(text: str) -> str:
    return f"json_keys({_json(text)})"


def _field(text: str, name: str) -> str:
    pointer = literal('$."' + name + '"')
    return f"json_extract_string({_json(text)}, {pointer})"
