import json
from itertools import pairwise

import pytest
from firelake.raw.cut import cut
from hypothesis import assume, given
from hypothesis import strategies as st

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
records = st.lists(st.dictionaries(st.text(max_size=4), values, min_size=1, max_size=4), max_size=12)
separators = st.sampled_from([b"", b"\n", b"\r\n", b" ", b"\\n", b"\xef\xbb\xbf", b"\n\n", b"\\n\n", b"\t"])


def pieces(data: bytes) -> list[bytes]:
    found = cut(data)
    return [found.text[found.bounds[i] : found.bounds[i + 1]].strip() for i in range(found.pieces)]


@given(records, separators, st.booleans(), st.sampled_from([None, 2]))
def test_records_come_out_whole(
    items: list[dict[str, object]], separator: bytes, last: bool, indent: int | None
) -> None:
    written = [json.dumps(item, indent=indent, ensure_ascii=False).encode() for item in items]
    data = separator.join(written) + (separator if last and written else b"")
    assume(not any(b"}{" in text for text in written))
    assert pieces(data) == written
    assert not cut(data).suspects


@given(st.binary(max_size=200))
def test_pieces_cover_everything_but_leading_space(data: bytes) -> None:
    found = cut(data)
    assert len(found.text) == len(data)
    assert found.bounds[-1] == len(data)
    assert not found.text[: found.bounds[0]].strip(b" \t\r\n")
    assert (found.bounds[1:] > found.bounds[:-1]).all()


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xef\xbb\xbf", b"\r\n\r\n"])
def test_an_object_without_content_has_no_pieces(data: bytes) -> None:
    assert cut(data).pieces == 0


@pytest.mark.parametrize(
    ("data", "suspects"),
    [
        (b'[{"a":1}]', {0}),
        (b'x{"a":1}{"b":2}', {0}),
        (b'{"a":1}{"b"', {1}),
        (b'{"a":"\xff"}{"b":"\xc3\xa9"}{"c":"\xff"}', {0, 2}),
        (b'{"a":1}42', {0}),
    ],
)
def test_what_cannot_be_a_record_is_suspect(data: bytes, suspects: set[int]) -> None:
    assert cut(data).suspects == suspects


@given(st.lists(st.sampled_from(["", "\n", "\\n", "\r\n", " ", "\ufeff", "\\n\n"]), min_size=1, max_size=8))
def test_separators_of_any_kinds_keep_the_order(separators: list[str]) -> None:
    records = [json.dumps({"n": number}) for number in range(len(separators))]
    pieces = cut("".join(map("".join, zip(records, separators, strict=True))).encode())
    found = [pieces.text[start:end] for start, end in pairwise(pieces.bounds.tolist())]
    assert [text.decode().strip() for text in found] == records
