from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pytest
from firelake.compact.scratch import Limits, connect
from firelake.erase.objects import Searcher
from firelake.erase.request import Request
from firelake.errors import FirelakeError, UsageError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.compact.lake import dataset

COLUMNS = {
    "device": {"path": "d", "type": "int"},
    "taken_at": {"path": "t", "type": "timestamp"},
    "person": {"path": "p", "type": "string", "pii": True, "aliases": ["who"]},
}
SPEC = dataset(columns=COLUMNS)
REQUEST = Request.of(SPEC, "person", ["ann@example.org", "bé"])

gone = st.sampled_from(["ann@example.org", "bé"])
stays = st.sampled_from(["joann@example.org", "ann@example.org.uk", "", "b", 'say "ann@example.org"', None])
separators = st.sampled_from(["", "\n", "\r\n", "\\n", "  ", ","])


def text_of(person: str | None, number: int, escaped: bool) -> str:
    body = {"t": "2026-11-21T01:00:00", "d": number, ("p" if number % 2 else "who"): person}
    return json.dumps(body, ensure_ascii=escaped)


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("records", data)
    return target.getvalue()


PACKINGS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    gzip.compress,
    zipped,
    lambda data: bytes(pa.compress(data, codec="zstd", asbytes=True)),
)


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    limits = Limits(memory_bytes=256 << 20, threads=1)
    return Searcher(connect(limits, tmp_path_factory.mktemp("scratch")), REQUEST, limits)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(gone | stays, st.booleans(), separators), max_size=6),
    st.sampled_from(PACKINGS),
)
def test_what_matches_goes_and_every_other_byte_stays(
    searcher: Searcher, people: list[tuple[str | None, bool, str]], pack: Callable[[bytes], bytes]
) -> None:
    texts = [text_of(person, number, escaped) for number, (person, escaped, _) in enumerate(people)]
    data = "".join(text + separator for text, (_, _, separator) in zip(texts, people, strict=True)).encode()
    searched = searcher.search(pack(data))
    matching = [text for text, (person, _, _) in zip(texts, people, strict=True) if person in REQUEST.values]
    assert len(searched.spans) == len(matching)
    assert searched.records == len(people) - len(matching)

    clean = searcher.without("key", pack(data), searched)
    again = searcher.search(clean)
    assert (again.spans, again.records, len(again.tombstones)) == ((), searched.records, len(matching))
    if pack is bytes:
        expected = data
        for text in matching:
            expected = expected.replace(text.encode(), b'{"":0}'.ljust(len(text.encode())), 1)
        assert clean == expected


def test_a_broken_record_goes_if_it_holds_the_value_as_a_text(searcher: Searcher) -> None:
    good = '{"d": 1, "t": "2026-11-21T01:00:00", "p": "x"}'
    body = f'{good}{{"p": "ann@example.org", "d": {good}{{"p": "joann@example.org", "d": {good}'.encode()
    searched = searcher.search(body)
    assert len(searched.spans) == 1
    clean = searcher.without("key", body, searched)
    assert b'"ann@example.org"' not in clean
    assert b'"joann@example.org"' in clean
    assert len(clean) == len(body)


def test_a_damaged_object_that_holds_a_record_is_refused(searcher: Searcher) -> None:
    records = (text_of("ann@example.org" if n == 0 else f"{n}", n, False) for n in range(2000))
    truncated = gzip.compress("".join(records).encode())[:-40]
    searched = searcher.search(truncated)
    assert searched.damage == "truncated_gzip"
    with pytest.raises(FirelakeError, match="a/key: it is damaged"):
        searcher.without("a/key", truncated, searched)


def test_what_cannot_be_erased_is_refused() -> None:
    with pytest.raises(UsageError, match="'device' is no column with `pii: true`; those are: person"):
        Request.of(SPEC, "device", ["1"])
    number = dataset(columns={**COLUMNS, "device": {"path": "d", "type": "int", "pii": True}})
    with pytest.raises(UsageError, match="device: a value is no int"):
        Request.of(number, "device", ["x"])
    with pytest.raises(UsageError, match="at least one"):
        Request.of(SPEC, "person", [])
