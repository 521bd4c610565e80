"""The reference of the spec language, written from the models that read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from firelake.markdown import table
from firelake.spec.alerts import Alerts
from firelake.spec.dataset import Column, Dataset, Lifecycle, LifecycleStep, Quality, Raw, Trailing
from firelake.spec.types import ColumnType, Decimal, ListOf, MapOf, Primitive, StructOf

_SECTIONS: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("The file", Dataset, "`include/datasets/<name>.yaml` declares one dataset; unknown keys are errors."),
    ("`raw`", Raw, "Where Firehose writes, as it was told."),
    ("`columns`", Column, "A mapping from each column's name to what it is."),
    ("`quality`", Quality, "What a batch is held to before anyone sees it."),
    ("`trailing` of `quality`", Trailing, "How a batch is compared with those before it."),
    ("`alerts`", Alerts, "Who is told of what, once per run and event."),
    ("`lifecycle`", Lifecycle, "A list of steps for each zone."),
    ("A step of `lifecycle`", LifecycleStep, "Either `to` or `expire`."),
)
# Filled in before the model sees it.
_IMPLIED: dict[tuple[type[BaseModel], str], str] = {(Column, "path"): "the column's name"}
_NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    timedelta: "duration",
    Path: "path",
}
_REASONS = (
    ("malformed_json", "bytes that are no JSON value, up to where the next record begins"),
    ("invalid_utf8", "bytes that are no UTF-8"),
    ("not_an_object", "a JSON value that is no object"),
    ("record_too_large", "more than `max_record_bytes`"),
    ("nothing_to_explode", "a record without a filled array at `explode`"),
    ("wrong_type", "a value that does not read as its column's type without loss"),
    ("missing_required", "a required column, or the event time, is absent or null"),
    ("too_late", "older than `max_lateness` on arrival"),
    ("in_future", "further ahead of its arrival than `max_skew`"),
    ("truncated_…", "the end of an object that is cut short: `gzip`, `zstd`, `snappy`, `hadoop_snappy`"),
    ("corrupt_…", "an object whose checksum or structure is wrong; the above, `zip` and `parquet`"),
    ("too_large", "the rest of an object that unpacks to more than a run may hold"),
    ("nested_too_deep", "an object that is compressed over and over"),
)
_TYPES = (
    ("`string`", "any text; a number, boolean, list or object is kept as its JSON"),
    ("`int`, `bigint`", "whole numbers of 32 and 64 bits, also as text; `7.0` is 7, `7.5` is refused"),
    ("`float`, `double`", "finite numbers, also as text"),
    ("`decimal(p,s)`", "exact; of a number inside a list, map or struct, the digits a double has"),
    ("`boolean`", "`true` and `false`, also as text"),
    ("`timestamp`, `date`", "UTC, to the microsecond; read by `formats`"),
    ("`list<…>`", "also written `array<…>`"),
    ("`map<string,…>`", "an object whose keys are data"),
    ("`struct<name:…,…>`", "an object of known fields; absent ones are null, undeclared ones refused"),
)


def dataset_reference() -> str:
    """Return the reference as Markdown."""
    parts = [
        "# The dataset file",
        "",
        "Written from `plugins/firelake/spec/` by `python -m firelake.spec.reference`; do not edit.",
        "",
    ]
    for title, model, introduction in _SECTIONS:
        parts += [f"## {title}", "", introduction, "", *_model_table(model), ""]
    parts += ["## Types", "", *table(("type", "what it takes"), _TYPES), ""]
    parts += ["## Why records are refused", "", *table(("reason", "what"), _code_first(_REASONS)), ""]
    return "\n".join(parts)


def _model_table(model: type[BaseModel]) -> list[str]:
    rows = [
        (
            f"`{name}`",
            _described_type(field.annotation),
            _IMPLIED.get((model, name)) or _default(field),
            _sentence(field),
        )
        for name, field in model.model_fields.items()
        if (model, name) != (Column, "name")
    ]
    return table(("key", "type", "default", "meaning"), rows)


def _code_first(rows: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    for code, meaning in rows:
        yield f"`{code}`", meaning


def _sentence(field: FieldInfo) -> str:
    limits = [f"at least {limit.ge}" for limit in field.metadata if hasattr(limit, "ge")]
    limits += [f"at most {limit.le}" for limit in field.metadata if hasattr(limit, "le")]
    text = field.description or f"See `{_described_type(field.annotation)}` below."
    return f"{text} ({', '.join(limits)})" if limits else text


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    match value:
        case None | () | "" | BaseModel():
            return ""
        case timedelta():
            return f"`{_duration(value)}`"
        case tuple():
            return f"`[{', '.join(map(str, value))}]`"
        case Enum():
            return f"`{value.value}`"
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0 and (unit != "d" or seconds > length):
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _described_type(annotation: Any) -> str:
    """Return a type as people say it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _described_type(arguments[0])
    if annotation == ColumnType or set(arguments) >= {Primitive, Decimal, ListOf, MapOf, StructOf}:
        return "type"
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_described_type(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return f"list of {_described_type(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{choice.value}`" for choice in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.__name__.lower()
    return _NAMES[annotation]


if __name__ == "__main__":
    print(dataset_reference(), end="")
