"""What a batch looks like, column by column, kept so that later batches can be compared with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from firelake.spec.types import ColumnType, Primitive

TABLE = "column_profiles"
COMMENT = "What every published batch looked like: one row for each column, partition and run"
TIME_COLUMN = "profiled_at"
MAX_VALUES = 20
STEPS = 20

_STRING, _BIGINT, _TIMESTAMP = Primitive("string"), Primitive("bigint"), Primitive("timestamp")

COLUMNS: tuple[tuple[str, ColumnType, str], ...] = (
    ("table_name", _STRING, "The table"),
    ("partition_key", _STRING, "The partition"),
    ("run_id", _STRING, "The run that staged it"),
    ("column_name", _STRING, "The column"),
    ("rows", _BIGINT, "Rows of the batch"),
    ("nulls", _BIGINT, "Rows without a value"),
    ("quantiles", _STRING, f"For numbers: every {100 // STEPS}th percentile from 0 to 100, a JSON array"),
    (
        "value_counts",
        _STRING,
        f"Rows by value as JSON, if there are at most {MAX_VALUES} values; by hour for "
        "the event time; null for personal data",
    ),
    (TIME_COLUMN, _TIMESTAMP, "When it was profiled, UTC"),
)
SCHEMA = pa.schema(
    {
        **dict.fromkeys(("table_name", "partition_key", "run_id", "column_name"), pa.string()),
        **dict.fromkeys(("rows", "nulls"), pa.int64()),
        **dict.fromkeys(("quantiles", "value_counts"), pa.string()),
        TIME_COLUMN: pa.timestamp("us"),
    }
)


@dataclass(frozen=True)
class ColumnShape:
    """What one column of a batch looks like.

    Parameters
    ----------
    quantiles
        :data:`STEPS` + 1 quantiles of a number column that has values.
    values
        Rows by value, if there are few different ones; the event time's by hour of the day.
    """

    nulls: int
    quantiles: tuple[float, ...] | None = None
    values: Mapping[str, int] | None = None


@dataclass(frozen=True)
class BatchProfile:
    """What a batch looks like."""

    partition: str
    rows: int
    columns: Mapping[str, ColumnShape] = field(default_factory=dict)

    def table(self, table: str, run_id: str) -> pa.Table:
        """Return one row for each column, to be appended to :data:`TABLE`."""
        profiled_at = datetime.now(UTC).replace(tzinfo=None)
        return pa.Table.from_pylist(
            [
                {
                    "table_name": table,
                    "partition_key": self.partition,
                    "run_id": run_id,
                    "column_name": name,
                    "rows": self.rows,
                    "nulls": shape.nulls,
                    "quantiles": None if shape.quantiles is None else json.dumps(shape.quantiles),
                    "value_counts": None if shape.values is None else json.dumps(shape.values),
                    TIME_COLUMN: profiled_at,
                }
                for name, shape in self.columns.items()
            ],
            SCHEMA,
        )

    @classmethod
    def of_rows(cls, partition: str, rows: list[dict[str, Any]]) -> BatchProfile:
        """Return the profile that some rows of :data:`TABLE` make up."""
        shapes = {
            row["column_name"]: ColumnShape(
                row["nulls"],
                None if row["quantiles"] is None else tuple(json.loads(row["quantiles"])),
                None if row["value_counts"] is None else json.loads(row["value_counts"]),
            )
            for row in rows
        }
        return cls(partition, rows[0]["rows"], shapes)
