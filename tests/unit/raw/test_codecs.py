import gzip

import pytest
from firelake.raw.codecs import Decoded, decode
from hypothesis import given
from hypothesis import strategies as st

LIMIT = 1 << 20


@given(st.binary(max_size=4096).filter(lambda data: not data.startswith(b"\x1f\x8b")), st.integers(0, 2))
def test_any_depth_of_gzip_is_undone(data: bytes, depth: int) -> None:
    body = data
    for _ in range(depth):
        body = gzip.compress(body)
    assert decode(body, LIMIT) == Decoded(data)


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=2, max_size=5))
def test_members_are_joined(parts: list[bytes]) -> None:
    body = b"".join(gzip.compress(b"{" + part) for part in parts)
    assert decode(body, LIMIT).data == b"".join(b"{" + part for part in parts)


def test_the_beginning_of_a_truncated_object_is_kept() -> None:
    data = b'{"a":1}' * 10_000
    body = gzip.compress(data)
    for cut_off in range(1, len(body) - 2, 7):
        decoded = decode(body[:-cut_off], LIMIT)
        assert decoded.damage == "truncated_gzip"
        assert data.startswith(decoded.data)


def test_nothing_of_a_corrupt_object_is_trusted() -> None:
    body = bytearray(gzip.compress(bytes(range(256)) * 40))
    body[len(body) // 2] ^= 0xFF
    assert decode(bytes(body), LIMIT) == Decoded(b"", "corrupt_gzip")


def test_a_bomb_is_refused_within_the_limit() -> None:
    bomb = gzip.compress(b"\x00" * (64 << 20))
    decoded = decode(bomb, 16 << 20)
    assert decoded.damage == "too_large"
    assert len(decoded.data) <= 16 << 20


@pytest.mark.parametrize("body", [b"", b"{}", b"\x1f", b"not compressed"])
def test_what_is_not_compressed_is_left_alone(body: bytes) -> None:
    assert decode(body, LIMIT) == Decoded(body)
