"""Where in a record the columns come from, as DuckDB SQL that reads each place once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from firelake.spec.dataset import Column
from firelake.spec.types import Primitive
from firelake.sql import identifier, literal, literals

_PATH_STEP = re.compile(r'(?P<key>[^.\[\]"]+)|"(?P<quoted>[^"]+)"|\[(?P<index>\d+)\]|\.')
_FLOATS = (Primitive("float"), Primitive("double"))


def path_steps(path: str) -> tuple[str | int, ...]:
    """Split a column's path, such as ``site.sensors[0].id``, into keys and indexes."""
    steps: list[str | int] = []
    for match in _PATH_STEP.finditer(path):
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["key"] is not None or match["quoted"] is not None:
            steps.append(match["key"] or match["quoted"])
    return tuple(steps)


@dataclass(frozen=True)
class Sources:
    """The places that a dataset's columns are read from.

    Top-level keys are read together, by one ``json_transform`` into ``fields``; the others by path.

    Parameters
    ----------
    fields
        DuckDB type of each top-level key: numbers with a fraction as such, because writing them
        as text and reading them again costs more than all the rest; everything else as text.
    known
        The top-level keys that some column reads.
    """

    fields: Mapping[str, str]
    known: frozenset[str]

    @classmethod
    def of(cls, columns: Iterable[Column]) -> Sources:
        """Find the places of some columns."""
        fields: dict[str, str] = {}
        known: set[str] = set()
        for column in columns:
            for path in _paths(column):
                steps = path_steps(path)
                known.add(str(steps[0]))
                # DuckDB's field names ignore case: of two keys that differ in it alone, the first goes here.
                if len(steps) == 1 and str(steps[0]).lower() not in {key.lower() for key in fields}:
                    fields[str(steps[0])] = "VARCHAR"
        for key in _number_keys(columns) & fields.keys():
            fields[key] = "DOUBLE"
        return cls(fields, frozenset(known))

    @property
    def structure(self) -> str:
        """The argument of ``json_transform``."""
        return json.dumps(dict(self.fields), ensure_ascii=False)

    def number(self, column: Column) -> str | None:
        """Return SQL for a column's number, if it is read as one."""
        (key, *others) = path_steps(column.path)
        return (
            f"fields.{identifier(str(key))}" if not others and self.fields.get(str(key)) == "DOUBLE" else None
        )

    def text(self, column: Column) -> str:
        """Return SQL for a column's text: at the first of its paths that holds one, null tokens removed.

        Of a column read as a number it is null where the number speaks for itself. A 0 or 1
        does not: false and true are read as these.
        """
        number = self.number(column)
        if number is not None:
            doubtful = f"{number} IS NULL OR {number} IN (0, 1) OR NOT isfinite({number})"
            return f"CASE WHEN {doubtful} THEN {_extracted(column.path)} END"
        texts = [self._text_at(path) for path in _paths(column)]
        text = texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"
        if column.null_tokens:
            return f"CASE WHEN {text} NOT IN ({literals(column.null_tokens)}) THEN {text} END"
        return text

    def extra(self) -> str:
        """Return SQL for the keys that no column reads, as a JSON object; null where there are none."""
        known = sorted(self.known)
        without = f"json_merge_patch(record, {literal(json.dumps(dict.fromkeys(known), ensure_ascii=False))})"
        present = " + ".join(f"(fields.{identifier(key)} IS NOT NULL)::INTEGER" for key in self.fields) or "0"
        # Counting keys is cheap, comparing them is not.
        unknown = (
            f"len(json_keys(record)) <> {present} "
            f"AND NOT list_has_all([{literals(known)}], json_keys(record))"
        )
        return f"CASE WHEN {unknown} THEN {without}::VARCHAR END"

    def _text_at(self, path: str) -> str:
        steps = path_steps(path)
        if len(steps) == 1 and steps[0] in self.fields:
            return f"fields.{identifier(str(steps[0]))}"
        return _extracted(path)


def _paths(column: Column) -> tuple[str, ...]:
    return (column.path, *column.aliases)


def _extracted(path: str) -> str:
    pointer = "".join(f"[{s}]" if isinstance(s, int) else f'."{s}"' for s in path_steps(path))
    return f"json_extract_string(record, {literal('$' + pointer)})"


def _number_keys(columns: Iterable[Column]) -> set[str]:
    """Return the keys that are read by one column only, and that as a plain number with a fraction."""
    readers: dict[str, list[Column]] = {}
    for column in columns:
        for path in _paths(column):
            readers.setdefault(str(path_steps(path)[0]), []).append(column)
    return {
        key
        for key, (reader, *others) in readers.items()
        if not others and reader.type in _FLOATS and not reader.aliases and not reader.null_tokens
    }
