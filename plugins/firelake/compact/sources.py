"""Where in a record the columns come from, as DuckDB SQL that reads each place once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from firelake.spec.dataset import STAMP_KEY, Column, Dataset
from firelake.spec.types import ColumnType, Decimal, Primitive
from firelake.sql import identifier, literal, literals

_PATH_STEP = re.compile(r'(?P<key>[^.\[\]"]+)|"(?P<quoted>[^"]+)"|\[(?P<index>\d+)\]|\.')
Steps = tuple[str | int, ...]

_FLOATS = (Primitive("float"), Primitive("double"))


def path_steps(path: str) -> Steps:
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
        The top-level keys that some column reads, and that of what was added on the way.
    embedded
        Places of texts that are JSON themselves; paths lead on into them.
    """

    fields: Mapping[str, str]
    known: frozenset[str]
    embedded: frozenset[Steps] = frozenset()

    @classmethod
    def of(cls, dataset: Dataset) -> Sources:
        """Find the places of a dataset's columns."""
        columns = dataset.columns
        fields: dict[str, str] = {}
        known = {STAMP_KEY}
        for column in columns:
            for path in _paths(column):
                steps = path_steps(path)
                known.add(str(steps[0]))
                # DuckDB's field names ignore case: of two keys that differ in it alone, the first goes here.
                if len(steps) == 1 and str(steps[0]).lower() not in {key.lower() for key in fields}:
                    fields[str(steps[0])] = "VARCHAR"
        for key in _number_keys(columns) & fields.keys():
            fields[key] = "DOUBLE"
        return cls(fields, frozenset(known), frozenset(path_steps(path) for path in dataset.embedded_json))

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
            if column.type == Primitive("float"):
                doubtful += f" OR TRY_CAST({number} AS FLOAT) IS NULL"
            return f"CASE WHEN {doubtful} THEN {self.extracted(path_steps(column.path))} END"
        texts = [self._text_at(path, column.type) for path in _paths(column)]
        text = texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"
        meaning_null = list(_null_conditions(column, text))
        return f"CASE WHEN NOT ({' OR '.join(meaning_null)}) THEN {text} END" if meaning_null else text

    def extra(self) -> str:
        """Return SQL for the keys that no column reads, as a JSON object; null where there are none.

        Beside the record it reads what :func:`firelake.raw.json_keys.most_keys` says of it.
        """
        known = sorted(self.known)
        without = f"json_merge_patch(record, {literal(json.dumps(dict.fromkeys(known), ensure_ascii=False))})"
        present = " + ".join(f"(fields.{identifier(key)} IS NOT NULL)::INTEGER" for key in self.fields) or "0"
        # From the cheapest to the dearest; only records that may have more keys get to the next.
        unknown = (
            f"most_keys <> {present} AND len(json_keys(record)) <> {present} "
            f"AND NOT list_has_all([{literals(known)}], json_keys(record))"
        )
        return f"CASE WHEN {unknown} THEN {without}::VARCHAR END"

    def unknown_keys(self) -> str:
        """Return SQL for how many keys of a record no column reads."""
        return f"len(list_filter(json_keys(record), lambda k: k NOT IN ({literals(sorted(self.known))})))"

    def extracted(self, steps: Steps) -> str:
        """Return SQL for the text at a path."""
        source, rest = self._source(steps)
        return f"json_extract_string({source}, {_pointer(rest)})"

    def _text_at(self, path: str, kind: ColumnType) -> str:
        steps = path_steps(path)
        if isinstance(kind, Decimal):
            return self._exact(steps, kind)
        if len(steps) == 1 and steps[0] in self.fields:
            return f"fields.{identifier(str(steps[0]))}"
        return self.extracted(steps)

    def _exact(self, steps: Steps, kind: Decimal) -> str:
        """Return SQL for a decimal's text; as text, DuckDB writes a number with a double's digits only."""
        source, rest = self._source(steps)
        structure: object = exact_decimal(kind)
        for step in reversed(rest):
            structure = [structure] if isinstance(step, int) else {step: structure}
        value = f"json_transform({source}, {literal(json.dumps(structure, ensure_ascii=False))})"
        for step in rest:
            value += f"[{step + 1}]" if isinstance(step, int) else f".{identifier(step)}"
        text = self.extracted(steps)
        is_double = f"json_type({source}, {_pointer(rest)}) = 'DOUBLE'"
        return f"CASE WHEN {is_double} THEN coalesce(({value})::VARCHAR, {text}) ELSE {text} END"

    def _source(self, steps: Steps) -> tuple[str, Steps]:
        """Return SQL for the JSON that a path is read from, and the path in it."""
        outer = max((place for place in self.embedded if _leads_into(place, steps)), key=len, default=None)
        if outer is None:
            return "record", steps
        text = self.extracted(outer)
        return f"(CASE WHEN json_valid({text}) THEN {text} END)", steps[len(outer) :]


def _paths(column: Column) -> tuple[str, ...]:
    return (column.path, *column.aliases)


def exact_decimal(kind: Decimal) -> str:
    """Return the DuckDB type with room for more digits behind the point than a decimal has."""
    return f"DECIMAL(38,{min(kind.scale + 9, 38 - kind.precision + kind.scale)})"


def _pointer(steps: Steps) -> str:
    return literal("$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps))


def _leads_into(place: Steps, steps: Steps) -> bool:
    return len(place) < len(steps) and steps[: len(place)] == place


def _null_conditions(column: Column, text: str) -> Iterator[str]:
    """Yield when a text means null. A number does however it is written: -200 is -200.0."""
    if column.null_tokens:
        yield f"{text} IN ({literals(str(token) for token in column.null_tokens)})"
    if numbers := [token for token in column.null_tokens if not isinstance(token, str)]:
        yield f"coalesce(TRY_CAST({text} AS DOUBLE) IN ({', '.join(map(repr, numbers))}), false)"


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
