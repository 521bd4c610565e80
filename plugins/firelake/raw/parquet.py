"""Parquet objects, as Firehose's format conversion writes them: each row becomes a line of JSON."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from firelake.raw.compressed import Corrupt
from firelake.sql import identifier, literal

_MAGIC = b"PAR1"
_ROWS_AT_ONCE = 16_384
# Shows rows to the engine; a name that no query of a reader could be about.
_RELATION = "rows_of_object"


def is_parquet(body: bytes) -> bool:
    """Tell whether an object begins as Parquet does."""
    return body.startswith(_MAGIC)


def json_parts(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield the rows as lines of JSON; times are written as ISO, in UTC where they have a zone."""
    del max_bytes  # A batch of rows is small; the caller adds them up.
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        with _engine() as connection:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                yield _json_lines(connection, pa.Table.from_batches([batch]))
    except (pa.ArrowException, OSError) as error:
        raise Corrupt from error


def _engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={"threads": 1, "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    connection.execute(f"SET TimeZone = {literal('UTC')}")
    return connection


def _json_lines(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> bytes:
    connection.register(_RELATION, rows)
    relation = identifier(_RELATION)
    lines = connection.execute(f"SELECT to_json({relation}) FROM {relation}").fetchall()  # noqa: S608
    connection.unregister(_RELATION)
    return "".join(f"{line}\n" for (line,) in lines).encode()
