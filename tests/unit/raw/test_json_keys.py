import json
from typing import Any

import numpy as np
from firelake.raw.cut import cut
from firelake.raw.json_keys import UNKNOWN, most_keys
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(st.sampled_from('a:" {}[],\\é\n'), max_size=6)
values = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
records = st.lists(st.dictionaries(texts, values, max_size=4), max_size=6)
separators = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), (",\n", "\t:\r\n")])


def keys_in(value: Any) -> int:
    """Count the keys of a JSON value, nested ones included."""
    if isinstance(value, dict):
        return len(value) + sum(map(keys_in, value.values()))
    return sum(map(keys_in, value)) if isinstance(value, list) else 0


@given(records, separators, st.booleans())
def test_no_record_has_more_keys(
    items: list[dict[str, Any]], written: tuple[str, str], escaped: bool
) -> None:
    parts = [json.dumps(item, separators=written, ensure_ascii=escaped).encode() for item in items]
    bounds = np.cumsum([0, *map(len, parts)])
    for item, number in zip(items, most_keys(b"".join(parts), bounds).tolist(), strict=True):
        assert number == UNKNOWN or number >= keys_in(item)


@given(st.lists(st.dictionaries(st.text("abc"), st.integers() | st.text("ab{}"), max_size=5), max_size=6))
def test_plain_records_are_counted_exactly(items: list[dict[str, Any]]) -> None:
    pieces = cut(b"\n".join(json.dumps(item).encode() for item in items))
    if pieces.pieces == len(items):
        assert most_keys(pieces.text, pieces.bounds).tolist() == [len(item) for item in items]


def test_white_space_before_a_colon_hides_no_key() -> None:
    text = b'{"a":1}{"a" :1,"b":2}{"a":" :"}'
    assert most_keys(text, np.array([0, 7, 21, len(text)])).tolist() == [1, UNKNOWN, UNKNOWN]
