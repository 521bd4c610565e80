"""Any bytes at all: every one of them is in a record, a separator or a quarantined fragment."""

import json
from datetime import UTC, datetime

import orjson
import pyarrow as pa
from firelake.raw.codecs import Decoded, decode
from firelake.raw.reading import read_batch
from firelake.raw.records import Batch, RawObject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.raw.packing import PACKINGS
from tests.unit.raw.test_salvage import SEPARATORS, near_json

ARRIVAL = datetime(2026, 11, 21, tzinfo=UTC)
LIMIT = 1 << 20

anything = st.binary(max_size=300) | near_json
records = st.lists(
    st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.integers(), max_size=3).map(
        lambda record: json.dumps(record, ensure_ascii=False).encode()
    ),
    max_size=6,
).map(b"".join)
objects = st.lists(st.lists(anything | records, max_size=4).map(b"".join), min_size=1, max_size=4)


def invalid_pieces(table: pa.Table) -> list[tuple[int, int]]:
    """Find what is no JSON with another reader than the engine's."""
    rows = zip(*(table[name].to_pylist() for name in ("object", "position", "record")), strict=True)
    return [(ordinal, position) for ordinal, position, record in rows if not _is_object(record)]


def _is_object(text: str | None) -> bool:
    try:
        return text is not None and isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def read(bodies: list[Decoded]) -> Batch:
    sources = [RawObject(n, f"key-{n}", ARRIVAL, len(body.data)) for n, body in enumerate(bodies)]
    return read_batch(list(zip(sources, bodies, strict=True)), invalid_pieces)


def assert_covered(batch: Batch, ordinal: int, data: bytes) -> None:
    spans = [
        (int(chunk.byte_offsets[i]), chunk.byte_length(i), int(chunk.positions[i]))
        for chunk in batch.chunks
        for i in range(len(chunk.ordinals))
        if chunk.valid[i] and chunk.ordinals[i] == ordinal
    ]
    spans += [(f.byte_offset, f.byte_length, f.position) for f in batch.fragments if f.ordinal == ordinal]
    spans.sort(key=lambda span: span[2])
    assert [position for _, _, position in spans] == list(range(batch.records_in[ordinal]))
    end = 0
    for offset, length, _ in [*spans, (len(data), 0, 0)]:
        between = data[end:offset].replace(b"\\n", b"")
        # An array's own brackets separate the records in it.
        assert not between.strip(SEPARATORS + b"[]"), (data, spans)
        assert offset >= end
        end = offset + length


@settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(objects)
def test_every_byte_of_every_object_is_accounted_for(bodies: list[bytes]) -> None:
    batch = read([Decoded(body) for body in bodies])
    for ordinal, body in enumerate(bodies):
        assert_covered(batch, ordinal, body)
    for text in batch.table()["record"].to_pylist():
        assert isinstance(json.loads(text), dict)


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records, st.lists(st.sampled_from(sorted(PACKINGS)), max_size=2), st.data())
def test_damaged_packing_never_escapes(body: bytes, layers: list[str], data: st.DataObject) -> None:
    packed = body
    for name in layers:
        packed = PACKINGS[name](packed)
    damaged = bytearray(packed)
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    decoded = decode(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]), LIMIT)
    assert len(decoded.data) <= LIMIT
    batch = read([decoded])
    assert_covered(batch, 0, decoded.data)
    assert (decoded.damage is None) or batch.fragments
