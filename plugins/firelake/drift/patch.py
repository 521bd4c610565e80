"""A proposal how a dataset's YAML could follow what arrives, for people to review."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import yaml

from firelake.drift.compare import Change, Drift
from firelake.spec import Dataset

_NO_NAME = re.compile(r"[^a-z0-9]+")
_TYPES = {"bigint", "int", "double", "float", "string", "boolean", "timestamp", "date"}


def propose_patch(dataset: Dataset, drifts: Iterable[Drift]) -> str:
    """Return what to merge into ``include/datasets/<name>.yaml``; empty if there is nothing to do."""
    columns: dict[str, dict[str, object]] = {}
    notes: list[str] = []
    for drift in drifts:
        notes.append(f"# {_note(drift)}")
        name = drift.column or _column_name(drift.field, {*columns, *(one.name for one in dataset.columns)})
        if change := dict(_change(dataset, drift)):
            columns[name] = change
    if not notes:
        return ""
    body = yaml.safe_dump({"columns": columns}, sort_keys=False, allow_unicode=True) if columns else ""
    return "\n".join(notes) + "\n" + body


def _change(dataset: Dataset, drift: Drift) -> Iterator[tuple[str, object]]:
    if drift.change is Change.RENAMED and drift.column is not None:
        yield "aliases", [*dataset.column(drift.column).aliases, drift.field]
    elif drift.change is Change.RETYPED:
        yield "type", _type(drift.seen)
    elif drift.change is Change.NEW:
        yield from (("path", drift.field), ("type", _type(drift.seen)), ("description", "What it means"))


def _type(seen: str | None) -> str:
    # A struct or array is kept as text until somebody says which of its parts are wanted.
    return seen if seen in _TYPES else "string"


def _column_name(field: str, taken: set[str]) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower()
    plain = _NO_NAME.sub("_", snake).strip("_") or "field"
    name = plain if plain[0].isalpha() else f"field_{plain}"
    return name if name not in taken else f"{name}_2"


def _note(drift: Drift) -> str:
    share = f"in {drift.share:.1%} of the sampled records"
    match drift.change:
        case Change.NEW:
            words = f"{drift.field} is new, {drift.seen}, {share}"
        case Change.MISSING:
            words = f"{drift.column}: {drift.field} arrives no longer; drop the column, or ask its sender"
        case Change.RETYPED:
            words = f"{drift.column}: {drift.field} is {drift.declared} in the spec, but {drift.seen} {share}"
        case Change.RENAMED:
            words = f"{drift.column}: seems to be called {drift.field} now, {share}"
    # A field's name is a stranger's text: it must not end the comment.
    return "".join(character if character.isprintable() else "?" for character in words)
