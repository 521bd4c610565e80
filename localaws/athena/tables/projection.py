"""Partition projection: partitions that table properties say exist, instead of Glue's list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Final

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql.catalog import Predicate
from localaws.athena.tables.binding import BindSession

_MAX_PARTITIONS: Final = 1_000_000
_NOW: Final = re.compile(r"^NOW(?:([+-]\d+)(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?$")
_STEPS: Final = {
    "SECONDS": timedelta(seconds=1),
    "MINUTES": timedelta(minutes=1),
    "HOURS": timedelta(hours=1),
    "DAYS": timedelta(days=1),
    "WEEKS": timedelta(weeks=1),
}
_JAVA: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def is_projected(parameters: dict[str, str]) -> bool:
    """Whether a table's properties turn projection on."""
    return parameters.get("projection.enabled", "false").lower() == "true"


def projected_values(
    keys: Sequence[str],
    parameters: dict[str, str],
    predicates: list[Predicate],
    session: BindSession,
    now: datetime,
) -> Iterator[tuple[str, ...]]:
    """Yield the values of every projected partition that simple predicates leave possible."""
    choices = [_choices(key, parameters, predicates, session, now) for key in keys]
    total = 1
    for values in choices:
        total *= max(len(values), 1)
    if total > _MAX_PARTITIONS:
        raise QueryError("CONSTRAINT_VIOLATION", f"projection makes {total} partitions; narrow the query")
    yield from product(*choices)


def _choices(
    key: str, parameters: dict[str, str], predicates: list[Predicate], session: BindSession, now: datetime
) -> list[str]:
    kind = parameters.get(f"projection.{key}.type", "").lower()
    wanted = _equal_to(key, predicates, session)
    match kind:
        case "enum":
            values = [value.strip() for value in _property(parameters, key, "values").split(",")]
        case "integer":
            values = list(_integers(key, parameters))
        case "date":
            values = list(_dates(key, parameters, now))
        case "injected":
            if wanted is None:
                raise QueryError(
                    "CONSTRAINT_VIOLATION",
                    f"For the injected projected partition column {key}, the WHERE clause must contain only "
                    "static equality conditions, and at least one such condition must be present.",
                )
            return sorted(wanted)
        case _:
            raise QueryError("INVALID_TABLE_PROPERTY", f"projection.{key}.type is {kind or 'missing'}")
    return values if wanted is None else [value for value in values if value in wanted]


def _equal_to(key: str, predicates: list[Predicate], session: BindSession) -> set[str] | None:
    for column, operator, values in session.comparisons(predicates):
        if column == key and operator in ("=", "in") and all(isinstance(value, str) for value in values):
            return set(values)
    return None


def _property(parameters: dict[str, str], key: str, name: str) -> str:
    value = parameters.get(f"projection.{key}.{name}")
    if value is None:
        raise QueryError("INVALID_TABLE_PROPERTY", f"projection.{key}.{name} is missing")
    return value


def _integers(key: str, parameters: dict[str, str]) -> Iterator[str]:
    low, _, high = _property(parameters, key, "range").partition(",")
    digits = int(parameters.get(f"projection.{key}.digits", "0"))
    step = int(parameters.get(f"projection.{key}.interval", "1"))
    for number in range(int(low), int(high) + 1, step):
        yield str(number).zfill(digits)


def _dates(key: str, parameters: dict[str, str], now: datetime) -> Iterator[str]:
    java = _property(parameters, key, "format")
    pattern = re.sub(r"'([^']*)'|yyyy|MM|dd|HH|mm|ss", lambda m: _JAVA.get(m[0], m[1] or ""), java)
    low, _, high = _property(parameters, key, "range").partition(",")
    at, end = _moment(low.strip(), pattern, now), _moment(high.strip(), pattern, now)
    unit = parameters.get(f"projection.{key}.interval.unit", _finest(java)).upper()
    count = int(parameters.get(f"projection.{key}.interval", "1"))
    while at <= end:
        yield at.strftime(pattern)
        at = _later(at, unit, count)


def _finest(java: str) -> str:
    units = (("ss", "SECONDS"), ("mm", "MINUTES"), ("HH", "HOURS"), ("dd", "DAYS"), ("MM", "MONTHS"))
    return next((unit for letters, unit in units if letters in java), "YEARS")


def _later(at: datetime, unit: str, count: int) -> datetime:
    if unit in _STEPS:
        return at + count * _STEPS[unit]
    if unit not in ("MONTHS", "YEARS"):
        raise NotSupportedError(f"projection interval unit {unit}")
    months = at.year * 12 + at.month - 1 + (count if unit == "MONTHS" else 12 * count)
    return at.replace(year=months // 12, month=months % 12 + 1)


def _moment(text: str, pattern: str, now: datetime) -> datetime:
    match = _NOW.match(text)
    if match is None:
        return datetime.strptime(text, pattern)
    moment = now.replace(tzinfo=None)
    if match[1]:
        moment = _shifted(moment, int(match[1]), match[2])
    # the range is in whole units of the format
    return datetime.strptime(moment.strftime(pattern), pattern)


def _shifted(moment: datetime, count: int, unit: str) -> datetime:
    if unit in ("MONTH", "YEAR"):
        return _later(moment.replace(day=1), f"{unit}S", count)
    return moment + count * _STEPS[f"{unit}S"]
