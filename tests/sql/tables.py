"""Trusted rows put in place, and a summary's rows as Athena computes them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from firelake.layout import Lake
from firelake.periods import Period
from firelake.runs import new_run_id
from firelake.spec import find_dataset
from firelake.storage import read_object
from firelake.summary import Summary
from firelake.summary.unload import unload
from firelake.tables import trusted
from pyiceberg.io.pyarrow import schema_to_pyarrow

Row = dict[str, Any]


def hold(lake: Lake, dataset: str, rows: Sequence[Row]) -> None:
    """Let a trusted table consist of these rows; what they leave out is null, and times may be texts."""
    table = trusted(find_dataset(dataset)).load(lake)
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    times = {field.name for field in schema if pa.types.is_timestamp(field.type)}
    filled = [
        {field.name: None for field in schema}
        | {"_raw_object": "key", "_raw_position": number}
        | {name: _instant(value) if name in times else value for name, value in row.items()}
        for number, row in enumerate(rows)
    ]
    unknown = {name for row in rows for name in row} - set(schema.names)
    assert not unknown, f"{dataset} has no columns {unknown}"
    table.overwrite(pa.Table.from_pylist(filled, schema=schema))


def compute(lake: Lake, summary: Summary, partition: str) -> list[Row]:
    """Return the rows of one partition, in order of the table's key."""
    period = Period.parse(partition, summary.table.partition.grain)
    outcome = unload(lake, summary, period, new_run_id("test"))
    tables = [pq.read_table(io.BytesIO(read_object(file))) for file in outcome.files]
    for table in tables:
        assert table.column_names == [column.name for column in summary.table.columns]
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(rows, key=lambda row: tuple(row[name] for name in summary.table.grain))


def milliseconds(text: str) -> int:
    """Return an instant, UTC, as milliseconds since 1970."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _instant(value: str | date | datetime | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value))
