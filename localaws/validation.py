"""Checks requests against AWS's own API models, so that limits are AWS's and not ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from localaws.service import AwsError, Handler, Payload

_JAVA_PATTERNS = {
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U00010000-\U0010ffff",
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{P}": r"!-/:-@\[-`{-~\u2010-\u2027",
    r"\p{Z}": r"\s",
}
_SHOWN_CHARACTERS = 200


def validated(
    api: str, operations: Mapping[str, Handler], plain: Mapping[str, Callable[[Payload], bool]] | None = None
) -> dict[str, Handler]:
    """Put a check of each request before its handler.

    Parameters
    ----------
    api
        The name under which botocore knows the service.
    operations
        The handlers, by operation.
    plain
        For operations that must be fast, what tells at a glance that a request keeps every limit; one that
        it does not tell this of is checked as all others are.
    """
    glances = plain or {}
    return {
        operation: _checked(api, operation, handler, glances.get(operation, _never))
        for operation, handler in operations.items()
    }


def _never(_: Payload) -> bool:
    return False


def violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield, in AWS's words, every constraint of the API model that a value fails."""
    if value is None:
        return
    yield from _own_violations(shape, value, path)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, member in shape.members.items():
            member_path = f"{path}.{_lower_first(name)}" if path else _lower_first(name)
            if name in shape.required_members and value.get(name) is None:
                yield _sentence(None, member_path, "Member must not be null")
            yield from violations(member, value.get(name), member_path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for position, item in enumerate(value, start=1):
            yield from violations(shape.member, item, f"{path}.{position}.member")


def _checked(api: str, operation: str, handler: Handler, is_plain: Callable[[Payload], bool]) -> Handler:
    def handle(payload: Payload) -> Payload:
        if is_plain(payload):
            return handler(payload)
        shape = service_model(api).operation_model(operation).input_shape
        if shape is not None and (failures := list(violations(shape, payload, ""))):
            count = f"{len(failures)} validation error{'s' if len(failures) > 1 else ''} detected"
            raise AwsError("ValidationException", f"{count}: {'; '.join(failures)}")
        return handler(payload)

    return handle


@cache
def service_model(api: str) -> ServiceModel:
    """Return AWS's model of an API, by the name that botocore has for it."""
    # Read past botocore's session, whose clients cost memory and time that nothing here needs.
    return ServiceModel(Loader().load_service_model(api, "service-2"), api)


def _own_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not _has_type(shape, value):
        yield _sentence(value, path, f"Member must be of type {shape.type_name}")
        return
    size, noun = _size(shape, value)
    limits = shape.metadata
    if size is not None and size > limits.get("max", size):
        yield _sentence(value, path, f"Member must have {noun} less than or equal to {limits['max']}")
    if size is not None and size < limits.get("min", size):
        yield _sentence(value, path, f"Member must have {noun} greater than or equal to {limits['min']}")
    if shape.type_name == "string":
        yield from _text_violations(shape, value, path)


_PYTHON_TYPES: dict[str, Any] = {
    "string": str,
    "blob": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "list": list,
    "map": dict,
    "structure": dict,
}


def _has_type(shape: Shape, value: Any) -> bool:
    wanted = _PYTHON_TYPES.get(shape.type_name)
    if wanted is None or wanted is bool:
        return wanted is None or isinstance(value, bool)
    return isinstance(value, wanted) and not isinstance(value, bool)


def _size(shape: Shape, value: Any) -> tuple[int | None, str]:
    if shape.type_name in ("string", "list", "map"):
        return len(value), "length"
    if shape.type_name == "blob":
        # Base64: four characters hold three bytes, less one for each sign of padding.
        return len(value) * 3 // 4 - value[-2:].count("="), "length"
    if shape.type_name in ("integer", "long"):
        return value, "value"
    return None, ""


def _text_violations(shape: Shape, value: str, path: str) -> Iterator[str]:
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield _sentence(value, path, f"Member must satisfy enum value set: [{', '.join(choices)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield _sentence(value, path, f"Member must satisfy regular expression pattern: {pattern}")


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of an API model, which is written for Java."""
    for java, python in _JAVA_PATTERNS.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def _sentence(value: Any, path: str, constraint: str) -> str:
    text = "null" if value is None else str(value)
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {constraint}"


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
