"""JSON as Velocity sees it: paths into it, and how its values are printed."""

from __future__ import annotations

import json
import re
from typing import Any

import airspeed

_STEP = re.compile(r"\.([^.\[\]\s]+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\d+)\]")


class Truth(int):
    """A truth value, printed as Java prints it."""

    def __str__(self) -> str:
        """Return ``true`` or ``false``."""
        return "true" if self else "false"


class JsonObject(dict[str, Any]):
    """A JSON object, printed as Java prints a map."""

    def __str__(self) -> str:
        """Return ``{name=value, …}``."""
        return "{" + ", ".join(f"{key}={value}" for key, value in self.items()) + "}"


class JsonArray(list[Any]):
    """A JSON array, printed as JSON."""

    def __str__(self) -> str:
        """Return JSON."""
        return to_json(self)


class Lenient(JsonObject):
    """A map whose missing entries print as nothing, as those of ``$context`` do."""

    def __missing__(self, key: str) -> str:
        """Return nothing to print."""
        return ""


# Velocity's methods of maps and lists are looked up by the exact class.
for _kind in (JsonObject, Lenient):
    airspeed.__additional_methods__[_kind] = airspeed.__additional_methods__[dict]
airspeed.__additional_methods__[JsonArray] = airspeed.__additional_methods__[list]


def velocity_value(value: Any) -> Any:
    """Return a JSON value as templates are given it; null prints as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return Truth(value)
    if isinstance(value, dict):
        return JsonObject({key: velocity_value(each) for key, each in value.items()})
    if isinstance(value, list):
        return JsonArray(velocity_value(each) for each in value)
    return value


def find(document: Any, path: str) -> Any:
    """Return what a JSON path such as ``$.items[0].name`` leads to, or ``None``.

    Raises
    ------
    ValueError
        For a path with more than names and positions.
    """
    if not path.startswith("$"):
        raise ValueError(f"{path!r} is no JSON path; it starts with $")
    position, found = 1, document
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ValueError(f"{path!r}: Local AWS does not follow {path[position:]!r}")
        found = _entry(found, step)
        position = step.end()
    return found


def to_json(value: Any) -> str:
    """Write JSON as API Gateway does: compact, in its own letters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _entry(value: Any, step: re.Match[str]) -> Any:
    plain, single, double, index = step.groups()
    if index is not None:
        is_inside = isinstance(value, list) and int(index) < len(value)
        return value[int(index)] if is_inside else None
    name = next(each for each in (plain, single, double) if each is not None)
    return value.get(name) if isinstance(value, dict) else None
