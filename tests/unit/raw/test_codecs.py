import gzip
import io
import json
import math
import tracemalloc
import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from firelake.raw.codecs import Decoded, decode
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.raw.packing import PACKINGS, xerial, zipped

LIMIT = 1 << 20
# Neither compressed nor the beginning of something that is.
plain = st.binary(max_size=4096).map(lambda data: b"{" + data)
packings = st.sampled_from(sorted(PACKINGS))


@given(plain, st.lists(packings, max_size=3))
def test_any_packing_is_undone_to_any_usual_depth(data: bytes, layers: list[str]) -> None:
    body = data
    for name in layers:
        body = PACKINGS[name](body)
    assert decode(body, LIMIT) == Decoded(data)


@pytest.mark.parametrize("name", ["gzip", "zstd", "snappy", "hadoop_snappy"])
@given(parts=st.lists(st.binary(min_size=1, max_size=200), min_size=2, max_size=5))
def test_members_are_joined(name: str, parts: list[bytes]) -> None:
    body = b"".join(PACKINGS[name](b"{" + part) for part in parts)
    assert decode(body, LIMIT).data == b"".join(b"{" + part for part in parts)


@pytest.mark.parametrize("name", ["gzip", "zstd", "snappy", "hadoop_snappy"])
def test_the_beginning_of_a_truncated_object_is_kept(name: str) -> None:
    data = b"".join(b'{"a":%d}' % number for number in range(2_000))
    body = PACKINGS[name](data)
    kept = set()
    for cut_off in range(1, len(body) - 20, 7):
        decoded = decode(body[:-cut_off], LIMIT)
        # Between two chunks of Snappy an end cannot be told from an early one.
        assert decoded.damage == f"truncated_{name}" or ("snappy" in name and decoded.damage is None)
        assert data.startswith(decoded.data)
        kept.add(len(decoded.data))
    assert name == "zstd" or len(kept) > 3


@pytest.mark.parametrize("name", ["gzip", "zip"])
def test_nothing_of_a_corrupt_object_is_trusted(name: str) -> None:
    body = bytearray(PACKINGS[name](bytes(range(256)) * 40))
    body[len(body) // 3] ^= 0xFF
    assert decode(bytes(body), LIMIT) == Decoded(b"", f"corrupt_{name}")


@given(packings, st.integers(0, 2**31), st.integers(1, 255), st.integers(0, 60))
def test_flipped_and_cut_bytes_never_escape_as_an_exception(
    name: str, place: int, flip: int, cut_off: int
) -> None:
    body = bytearray(PACKINGS[name](b'{"id": 1}' * 50))
    body[place % len(body)] ^= flip
    decoded = decode(bytes(body[: len(body) - cut_off]), LIMIT)
    assert len(decoded.data) <= LIMIT


@pytest.mark.parametrize("name", sorted(PACKINGS))
def test_a_bomb_is_refused_within_the_limit(name: str) -> None:
    large = (
        xerial(b"\x00" * (64 << 20), 1 << 20) if name == "snappy" else PACKINGS[name](b"\x00" * (64 << 20))
    )
    tracemalloc.start()
    decoded = decode(large, 8 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoded.damage == "too_large"
    assert len(decoded.data) <= 8 << 20
    assert peak < (32 << 20) + 2 * len(large)


def test_a_chunk_that_claims_too_much_is_not_believed() -> None:
    claim = b"\xff\xff\xff\xff\x0f" + b"\x00" * 20
    body = b"\x82SNAPPY\x00" + b"\x00" * 8 + len(claim).to_bytes(4, "big") + claim
    assert decode(body, LIMIT) == Decoded(b"", "too_large")


def test_an_archive_of_several_files_or_none_is_refused() -> None:
    for names in ([], ["a", "b"]):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name in names:
                archive.writestr(name, "{}")
        assert decode(target.getvalue(), LIMIT) == Decoded(b"", "corrupt_zip")


def test_what_is_packed_again_and_again_is_refused() -> None:
    body = b"{}"
    for _ in range(8):
        body = gzip.compress(zipped(body))
    assert decode(body, LIMIT) == Decoded(b"", "nested_too_deep")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\x1f", b"not compressed", b"\x00\x01\x02 nothing here", b"\x00" * 40]
)
def test_what_is_not_compressed_is_left_alone(body: bytes) -> None:
    assert decode(body, LIMIT) == Decoded(body)


def test_rows_of_parquet_become_lines_of_json() -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2**62], pa.int64()),
            "name": ['é"\n', None],
            "at": pa.array([datetime(2026, 11, 21, 10, 0, 0, 500), None], pa.timestamp("us")),
            "zoned": pa.array(
                [datetime(2026, 11, 21, 10, tzinfo=UTC)] * 2, pa.timestamp("ms", tz="Asia/Tokyo")
            ),
            "price": pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)),
            "nested": [{"a": [1, 2]}, {"a": None}],
        }
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    lines = decode(target.getvalue(), LIMIT).data.decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "id": 1,
            "name": 'é"\n',
            "at": "2026-11-21 10:00:00.0005",
            "zoned": "2026-11-21 10:00:00+00",
            "price": 1.1,
            "nested": {"a": [1, 2]},
        },
        {
            "id": 2**62,
            "name": None,
            "at": None,
            "zoned": "2026-11-21 10:00:00+00",
            "price": None,
            "nested": {"a": None},
        },
    ]


def test_damaged_parquet_is_corrupt_and_much_of_it_too_large() -> None:
    target = io.BytesIO()
    pq.write_table(pa.table({"n": [math.pi] * 200_000}), target)
    body = target.getvalue()
    assert decode(body[:-10], LIMIT) == Decoded(b"", "corrupt_parquet")
    large = decode(body, LIMIT)
    assert large.damage == "too_large"
    assert 0 < len(large.data) <= LIMIT
