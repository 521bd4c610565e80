"""Taking raw objects into the engine: fetched ahead, decompressed, typed, and counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb
import pyarrow as pa

from firelake.compact.casting import parse_query, record_columns
from firelake.compact.rules import refusing_query
from firelake.compact.scratch import Limits
from firelake.compact.shaping import Shaping
from firelake.errors import FirelakeError
from firelake.quality.predicates import RowPredicate
from firelake.raw.codecs import Decoded, decode
from firelake.raw.reading import DecodedObject, read_batch, read_trusting
from firelake.raw.records import Batch, RawObject, Refusal
from firelake.spec import Dataset
from firelake.storage import Bucket

_FETCH_THREADS = 8
_FETCH_AHEAD = 64
# Handing a thread less than this costs more than what it then does.
_PORTION_BYTES = 64 << 10
_PORTION_OBJECTS = 16
# An answer may be cut short and yet look whole.
_FETCH_TRIES = 4
# gzip shrinks JSON records to a tenth, or not so far.
_USUAL_RATIO = 10
# A quarantined record's text is kept for reading; its key and byte range lead to the whole.
_MAX_RAW_CHARS = 64 << 10

REFUSED_COLUMNS = (
    "_object INTEGER, _position BIGINT, byte_offset BIGINT, byte_length BIGINT, reason VARCHAR, "
    "detail VARCHAR, raw_text VARCHAR"
)


class Intake:
    """The typed records of a run, in the tables ``records`` and ``refused`` of its engine.

    Parameters
    ----------
    connection
        The run's engine.
    dataset
        Whose spec types the records.
    predicates
        When a typed record is refused, as the rules of the dataset's suite say.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        dataset: Dataset,
        predicates: Sequence[RowPredicate] = (),
    ) -> None:
        self._connection = connection
        self._shaping = Shaping(connection, dataset)
        self._predicates = predicates
        self._max_record_bytes = dataset.max_record_bytes
        self._trusting = True
        self.fields_dropped = 0
        self.records_in: dict[int, int] = {}
        self.bytes_json: dict[int, int] = {}
        connection.execute(f"CREATE TABLE records ({record_columns(dataset)})")
        connection.execute(f"CREATE TABLE refused ({REFUSED_COLUMNS})")

    def take(self, bucket: Bucket, objects: Sequence[RawObject], limits: Limits) -> None:
        """Read all objects of a run."""
        for group in _batches(_fetched(bucket, objects, limits), limits.batch_bytes):
            if not (self._trusting and self._add_trusting(group)):
                self.add(read_batch(group, self.invalid_pieces))

    def _add_trusting(self, group: Sequence[DecodedObject]) -> bool:
        """Add a batch that seems to be all JSON without looking closer; tell whether it was added.

        Typing refuses what is no JSON; then no other batch of the run is trusted.
        """
        batch = read_trusting(group).refusing_larger(self._max_record_bytes)
        if not batch.sound or any(decoded.damage for _, decoded in group):
            return False
        try:
            self.add(batch)
        # The engine takes in a batch or nothing of it.
        except duckdb.InvalidInputException:
            self._trusting = False
        return self._trusting

    def add(self, batch: Batch) -> None:
        """Type the records of a batch; what is refused goes to ``refused`` with its text."""
        batch = self._shaping.shaped(batch).without_tombstones()
        with self._registered(batch.table()):
            fields_dropped = self._shaping.fields_dropped("batch")
            typed = parse_query(self._shaping.spelled("batch"), "batch")
            self._connection.execute(f"INSERT INTO records {refusing_query(typed, self._predicates)}")
        self._refuse([*batch.fragments, *batch.refuse(self._reasons(batch))])
        self.records_in.update(batch.records_in)
        self.bytes_json.update(batch.bytes_json)
        self.fields_dropped += fields_dropped

    def _reasons(self, batch: Batch) -> dict[tuple[int, int], tuple[str, str | None]]:
        """Return reason and detail of the typed records that are refused, by object and position."""
        rows = self._connection.execute(
            "SELECT _object, _position, _reason, _detail FROM records "
            "WHERE _object BETWEEN ? AND ? AND _reason IS NOT NULL",
            [min(batch.records_in), max(batch.records_in)],
        ).fetchall()
        return {(ordinal, position): (reason, detail) for ordinal, position, reason, detail in rows}

    def invalid_pieces(self, table: pa.Table) -> list[tuple[int, int]]:
        """Return object and position of a table's records that are null or no valid JSON."""
        with self._registered(table):
            rows = self._connection.execute(
                "SELECT object, position FROM batch WHERE record IS NULL OR NOT json_valid(record)"
            ).fetchall()
        return [(int(ordinal), int(position)) for ordinal, position in rows]

    def _registered(self, table: pa.Table) -> _Registration:
        return _Registration(self._connection, table)

    def _refuse(self, refusals: Iterable[Refusal]) -> None:
        rows = [
            {
                "_object": refusal.ordinal,
                "_position": refusal.position,
                "byte_offset": refusal.byte_offset,
                "byte_length": refusal.byte_length,
                "reason": refusal.reason,
                "detail": refusal.detail,
                "raw_text": refusal.raw[:_MAX_RAW_CHARS].decode("utf-8", "backslashreplace"),
            }
            for refusal in refusals
        ]
        if rows:
            with self._registered(pa.Table.from_pylist(rows, schema=_REFUSED_SCHEMA)):
                self._connection.execute("INSERT INTO refused SELECT * FROM batch")


_REFUSED_SCHEMA = pa.schema(
    {
        "_object": pa.int32(),
        "_position": pa.int64(),
        "byte_offset": pa.int64(),
        "byte_length": pa.int64(),
        "reason": pa.string(),
        "detail": pa.string(),
        "raw_text": pa.string(),
    }
)


class _Registration:
    """Shows an Arrow table to the engine as ``batch`` for the length of a block."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
        self._connection = connection
        self._table = table

    def __enter__(self) -> None:
        self._connection.register("batch", self._table)

    def __exit__(self, *_: object) -> None:
        self._connection.unregister("batch")


def _fetched(bucket: Bucket, objects: Sequence[RawObject], limits: Limits) -> Iterator[DecodedObject]:
    """Yield objects in order, decompressed, while the next ones are being fetched."""

    def fetch(sources: Sequence[RawObject]) -> list[DecodedObject]:
        return [(source, _decoded(bucket, source, limits.object_bytes)) for source in sources]

    with ThreadPoolExecutor(_FETCH_THREADS, thread_name_prefix="fetch") as pool:
        ahead: deque[tuple[int, Future[list[DecodedObject]]]] = deque()
        bytes_ahead = 0
        for sources in _portions(objects):
            while ahead and (len(ahead) >= _FETCH_AHEAD or bytes_ahead > limits.batch_bytes):
                size, future = ahead.popleft()
                bytes_ahead -= size
                yield from future.result()
            size = sum(map(_decoded_bytes, sources))
            ahead.append((size, pool.submit(fetch, sources)))
            bytes_ahead += size
        for _, future in ahead:
            yield from future.result()


def _portions(objects: Sequence[RawObject]) -> Iterator[list[RawObject]]:
    """Yield the objects that one thread fetches at a time: small ones together."""
    portion: list[RawObject] = []
    size = 0
    for source in objects:
        portion.append(source)
        size += source.bytes_raw
        if size >= _PORTION_BYTES or len(portion) == _PORTION_OBJECTS:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _decoded(bucket: Bucket, source: RawObject, max_bytes: int) -> Decoded:
    """Fetch and decompress an object.

    Raises
    ------
    FirelakeError
        If it keeps coming with another size than it was listed with.
    """
    # What is empty needs no fetching; a folder that a console made could not even be fetched.
    if not source.bytes_raw:
        return Decoded(b"")
    for _ in range(_FETCH_TRIES):
        body = bucket.read(source.key)
        if len(body) == source.bytes_raw:
            return decode(body, max_bytes)
    raise FirelakeError(
        f"{source.key}: {len(body)} bytes came, but it has {source.bytes_raw}; run the period again"
    )


def _decoded_bytes(source: RawObject) -> int:
    """Guess what an object takes in memory once it is decompressed."""
    return source.bytes_raw * _USUAL_RATIO


def _batches(decoded: Iterator[DecodedObject], batch_bytes: int) -> Iterator[list[DecodedObject]]:
    batch: list[DecodedObject] = []
    size = 0
    for item in decoded:
        batch.append(item)
        size += len(item[1].data)
        if size >= batch_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
