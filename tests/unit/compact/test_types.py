"""Every type: what can be written as JSON comes out as the same value; what cannot is refused."""

import json
import string
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as Number
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from firelake.spec.types import (
    PRIMITIVES,
    ColumnType,
    Decimal,
    ListOf,
    MapOf,
    Primitive,
    StructOf,
    parse_type,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.compact.lake import MemoryBucket, MemoryLake, dataset, key_of

TIME = "2026-11-21T11:00:00"
Value = Any

names = st.text(string.ascii_lowercase, min_size=1, max_size=3)
scalars = st.sampled_from(sorted(PRIMITIVES - {"float"})).map(Primitive)
decimals = st.integers(1, 15).flatmap(lambda p: st.integers(0, p).map(lambda s: Decimal(p, s)))
types: st.SearchStrategy[ColumnType] = st.recursive(
    scalars | decimals,
    lambda inner: (
        inner.map(ListOf)
        | inner.map(MapOf)
        | st.dictionaries(names, inner, min_size=1, max_size=3).map(
            lambda fields: StructOf(tuple(fields.items()))
        )
    ),
    max_leaves=4,
)


def values(kind: ColumnType) -> st.SearchStrategy[Value]:
    """Return values of a type, as the engine gives them back."""
    match kind:
        case Primitive(name):
            return _SCALARS[name]
        case Decimal(precision, scale):
            return st.integers(-(10**precision) + 1, 10**precision - 1).map(
                lambda n: Number(n).scaleb(-scale)
            )
        case ListOf(element):
            return st.lists(values(element) | st.none(), max_size=3)
        case MapOf(value):
            return st.dictionaries(st.text(max_size=3), values(value) | st.none(), max_size=3)
        case StructOf(fields):
            return st.fixed_dictionaries({name: values(field) | st.none() for name, field in fields})


_SCALARS: dict[str, st.SearchStrategy[Value]] = {
    "string": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "timestamp": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    "date": st.dates(date(1900, 1, 1), date(2200, 1, 1)),
}


def written(value: Value) -> Value:
    """Return a value as JSON holds it."""
    match value:
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
        case Number():
            return float(value)
        case list():
            return [written(item) for item in value]
        case dict():
            return {key: written(item) for key, item in value.items()}
        case _:
            return value


def read(kind: ColumnType, body: bytes, **changes: Any) -> tuple[list[Value], dict[str, int]]:
    """Return the values of column ``x`` and what was refused."""
    columns = {
        "x": {"path": "x", "type": str(kind), **changes},
        "taken_at": {"path": "t", "type": "timestamp"},
    }
    with tempfile.TemporaryDirectory() as directory:
        lake = MemoryLake(dataset(columns=columns), Path(directory), MemoryBucket({key_of(0): body}))
        accounting = lake.run([key_of(0)])
        return [row[0] for row in lake.rows()], accounting.quarantined


def record(value: Value) -> bytes:
    return json.dumps({"t": TIME, "x": value}, ensure_ascii=False).encode()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(types.flatmap(lambda kind: st.tuples(st.just(kind), values(kind))))
def test_every_value_of_every_type_comes_back(found: tuple[ColumnType, Value]) -> None:
    kind, value = found
    assert read(kind, record(written(value))) == ([value], {})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "23.7"),
        ("int", "2147483648"),
        ("int", '"x"'),
        ("bigint", "9223372036854775808"),
        ("bigint", "1e40"),
        ("double", "1e400"),
        ("double", '"NaN"'),
        ("float", "1e300"),
        ("boolean", "1"),
        ("timestamp", '"21 November"'),
        ("timestamp", '"2026-02-30T00:00:00"'),
        ("date", '"2026-11-31"'),
        ("decimal(4,2)", "1.234"),
        ("decimal(4,2)", "100.5"),
        ("decimal(4,2)", "1e30"),
        ("array<int>", "[1.5]"),
        ("array<int>", "[1, null, 2147483648]"),
        ("array<int>", "5"),
        ("array<int>", '{"a": 1}'),
        ("array<int>", '"text"'),
        ("map<string,int>", '{"a": 1, "a": 2}'),
        ("map<string,boolean>", '{"a": 1}'),
        ("map<string,int>", "[1]"),
        ("struct<a:int>", '{"a": 1, "undeclared": 2}'),
        ("struct<a:timestamp>", '{"a": "tomorrow"}'),
        ("struct<a:decimal(4,2)>", '{"a": 1.119}'),
        ("array<struct<a:array<int>>>", '[{"a": [1, "x"]}]'),
    ],
)
def test_what_does_not_read_without_loss_is_refused(kind: str, text: str) -> None:
    assert read(parse_type(kind), f'{{"t": "{TIME}", "x": {text}}}'.encode()) == ([], {"wrong_type": 1})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Decimal(38, 9), "1234567890123456.123456789", Number("1234567890123456.123456789")),
        (Decimal(10, 2), "1.10", Number("1.10")),
        (Decimal(10, 2), '"1.10"', Number("1.10")),
        (Decimal(10, 2), "1e2", Number("100.00")),
        (Decimal(7, 7), "1e-07", Number("1E-7")),
        (Decimal(7, 7), '"1e-07"', Number("1E-7")),
        (ListOf(Decimal(7, 7)), "[1e-07]", [Number("1E-7")]),
        (Decimal(38, 0), "12345678901234567890123", Number("12345678901234567890123")),
        (StructOf((("a", Primitive("int")), ("b", Primitive("int")))), '{"a": 1}', {"a": 1, "b": None}),
        (ListOf(Primitive("timestamp")), '["2026-11-21T10:00:00+02:00"]', [datetime(2026, 11, 21, 8)]),
        (Primitive("float"), "0.5", 0.5),
        (Primitive("int"), "7.0", 7),
        (Primitive("int"), '"7"', 7),
        (Primitive("boolean"), '"TRUE"', True),
    ],
)
def test_the_same_value_may_be_written_otherwise(kind: ColumnType, text: str, value: Value) -> None:
    assert read(kind, f'{{"t": "{TIME}", "x": {text}}}'.encode()) == ([value], {})


def test_a_decimal_deep_in_a_record_keeps_its_digits() -> None:
    found = read(
        Decimal(38, 9),
        b'{"t": "%s", "a": {"b": [0, {"c": 1234567890123456.123456789}]}}' % TIME.encode(),
        path="a.b[1].c",
    )
    assert found == ([Number("1234567890123456.123456789")], {})


FORMATS: dict[str, Callable[[datetime], str]] = {
    "iso": lambda at: f'"{at:%Y-%m-%dT%H:%M:%S}Z"',
    "epoch_s": lambda at: str(int(at.timestamp())),
    "epoch_ms": lambda at: str(int(at.timestamp() * 1000)),
    "rfc1123": lambda at: f'"{at:%a, %d %b %Y %H:%M:%S} GMT"',
    "%d.%m.%Y %H:%M:%S": lambda at: f'"{at:%d.%m.%Y %H:%M:%S}"',
    "%Y\u2013%m\u2013%d %H:%M:%S": lambda at: f'"{at:%Y\u2013%m\u2013%d %H:%M:%S}"',
}
instants = st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FORMATS)), instants, st.permutations(sorted(FORMATS)))
def test_times_are_read_in_the_first_format_that_fits(form: str, instant: datetime, order: list[str]) -> None:
    # A number of seconds also reads as one of milliseconds; only the declared order tells.
    others = [one for one in order if not one.startswith("epoch")]
    formats = [form, *(one for one in others if one != form)]
    body = f'{{"t": "{TIME}", "x": {FORMATS[form](instant)}}}'.encode()
    assert read(Primitive("timestamp"), body, formats=formats) == ([instant.replace(tzinfo=None)], {})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["Asia/Tokyo", "America/St_Johns", "Europe/Oslo"]), instants)
def test_times_without_a_zone_are_those_of_the_declared_one(zone: str, instant: datetime) -> None:
    local = instant.astimezone(ZoneInfo(zone))
    body = f'{{"t": "{TIME}", "x": "{local:%Y-%m-%d %H:%M:%S}"}}'.encode()
    (found,), refused = read(Primitive("timestamp"), body, zone=zone)
    assert refused == {}
    # In the hour that the clocks go back through, a local time means two instants.
    assert abs(found - instant.replace(tzinfo=None)) in (timedelta(0), timedelta(hours=1))
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        assert found == instant.replace(tzinfo=None)
