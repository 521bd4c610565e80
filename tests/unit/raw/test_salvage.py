import json
import time

import pytest
from firelake.raw.salvage import INVALID_UTF8, MALFORMED, NOT_AN_OBJECT, Span, salvage
from hypothesis import given, settings
from hypothesis import strategies as st

SEPARATORS = b" \t\r\n,\x1e\\\xef\xbb\xbf"
RECORD = b'{"id": 1, "name": "x"}'

# Bytes that come close to JSON find more than random ones.
near_json = st.lists(
    st.sampled_from(
        [
            b"{",
            b"}",
            b"[",
            b"]",
            b'"',
            b":",
            b",",
            b"\\",
            b"\\n",
            b'{"a":1}',
            b'"b"',
            b"1",
            b"tru",
            b"\n",
            b"\xff",
            b"\xef\xbb\xbf",
            "é".encode(),
            b"{}",
            b'{"a":{"b":2}}',
            b" ",
        ]
    )
    | st.binary(max_size=3),
    max_size=40,
).map(b"".join)


def read(data: bytes) -> list[tuple[bytes, str | None]]:
    return [(data[span.start : span.end], span.reason) for span in salvage(data)]


@settings(max_examples=500)
@given(near_json)
def test_every_byte_is_in_a_record_a_fragment_or_a_separator(data: bytes) -> None:
    position = 0
    for span in [*salvage(data), Span(len(data), len(data))]:
        between = data[position : span.start].replace(b"\\n", b"")
        # An array's own brackets separate the records in it.
        assert not between.strip(SEPARATORS + b"[]"), (data, span)
        assert span.end >= span.start >= position
        position = span.end


@settings(max_examples=500)
@given(near_json)
def test_records_are_json_objects(data: bytes) -> None:
    for raw, reason in read(data):
        if reason is None:
            assert isinstance(json.loads(raw), dict)


@given(near_json, st.integers(1, 5))
def test_all_but_the_nearest_record_behind_a_broken_stretch_survive(data: bytes, records: int) -> None:
    found = read(data + b"\n" + RECORD * (records + 1))
    assert found[-records:] == [(RECORD, None)] * records


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"id": 3, "temper' + RECORD, [(b'{"id": 3, "temper', MALFORMED), (RECORD, None)]),
        (RECORD + b'{"id": 3, "temper', [(RECORD, None), (b'{"id": 3, "temper', MALFORMED)]),
        (b'{"a":"x}{y"}', [(b'{"a":"x}{y"}', None)]),
        (b"\xff\xfe" + RECORD, [(b"\xff\xfe", INVALID_UTF8), (RECORD, None)]),
        (b'{"a":"\xff"}' + RECORD, [(b'{"a":"\xff"}', INVALID_UTF8), (RECORD, None)]),
        (b"42 " + RECORD, [(b"42", NOT_AN_OBJECT), (RECORD, None)]),
        (b"[1,2]", [(b"[1,2]", NOT_AN_OBJECT)]),
        (b'[{"a":1},\n{"a":2}]', [(b'{"a":1}', None), (b'{"a":2}', None)]),
        (b'{"a":{"b":1},"c', [(b'{"a":{"b":1},"c', MALFORMED)]),
        (
            b'{"t":1,"te{"t":2,"te' + RECORD,
            [(b'{"t":1,"te', MALFORMED), (b'{"t":2,"te', MALFORMED), (RECORD, None)],
        ),
        (b'{"a":"\\ud800"}', [(b'{"a":"\\ud800"}', MALFORMED)]),
    ],
)  # fmt: skip
def test_what_is_broken_is_set_apart(data: bytes, expected: list[tuple[bytes, str | None]]) -> None:
    assert read(data) == expected


@pytest.mark.parametrize(
    "unit", [b'{"', b'{"a":', b'"{', b"[[[", b'{"a":[{"b":', b'{"a":"x', b'{"a":1,}', b'"', b"\\", b"{{"]
)
def test_hostile_repetition_takes_linear_time(unit: bytes) -> None:
    def seconds(data: bytes) -> float:
        began = time.process_time()
        salvage(data)
        return time.process_time() - began

    small, large = unit * 5_000, unit * 40_000
    assert seconds(large) < 8 * 6 * seconds(small) + 0.5


def test_deep_nesting_is_refused_without_a_crash() -> None:
    data = b'{"a":' * 200_000 + b"1" + b"}" * 200_000
    assert all(reason == MALFORMED for _, reason in read(data))
