"""The trusted rows that summaries are computed from."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from firelake.layout import Lake
from firelake.spec import find_dataset
from firelake.summary import load_summaries
from firelake.tables import trusted
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from tests.unit.summary.health import Reading

SUMMARIES = load_summaries()


def hold(lake: Lake, readings: Sequence[Reading]) -> Table:
    """Let the trusted table consist of these readings."""
    table = trusted(find_dataset("iot_device_telemetry")).load(lake)
    rows = [
        {**vars(reading), "sent_at": None, "_extra": None, "_raw_object": "key", "_raw_position": number}
        for number, reading in enumerate(readings)
    ]
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    table.overwrite(pa.Table.from_pylist(rows, schema=schema))
    return table
