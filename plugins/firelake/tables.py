"""The tables of a lake: names, columns and partitions, each declared once."""

from __future__ import annotations

from dataclasses import dataclass

from pyiceberg.table import Table

from firelake import aws, iceberg
from firelake.drift import TABLE as DRIFT_TABLE
from firelake.drift import records as drift_records
from firelake.errors import FirelakeError
from firelake.evolution import Evolution, evolution
from firelake.layout import Lake, Zone
from firelake.periods import Grain
from firelake.quality import history, profile
from firelake.spec.dataset import EXTRA_COLUMN, RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN, Dataset
from firelake.spec.types import ColumnType, Primitive
from firelake.summary.spec import SummaryTable

Columns = tuple[tuple[str, ColumnType, str], ...]

_STRING, _BIGINT, _TIMESTAMP = Primitive("string"), Primitive("bigint"), Primitive("timestamp")


@dataclass(frozen=True)
class TableDeclaration:
    """A table that Firelake writes.

    Parameters
    ----------
    columns
        Name, type and comment of each column.
    partition_column, grain
        The timestamp or date column by whose hour or day the table is partitioned.
    append_only
        Whether rows are only ever added, never replaced.
    foreign_files
        Whether data files come from an engine that writes no column ids; they are read by name.
    renamed_from
        Columns with their former names.
    """

    zone: Zone
    name: str
    comment: str
    columns: Columns
    partition_column: str
    grain: Grain
    append_only: bool = False
    foreign_files: bool = False
    renamed_from: tuple[tuple[str, str], ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(name for name, _, _ in self.columns)

    def ensure(self, lake: Lake) -> Table:
        """Return the table: made if it does not exist, brought to these columns if it does.

        Raises
        ------
        FirelakeError
            If the table cannot have these columns without loss.
        """
        schema = iceberg.schema_of(self.columns)
        partitioning = iceberg.partition_spec(schema, self.partition_column, self.grain)
        properties = iceberg.properties_of(self.comment, append_only=self.append_only)
        if self.foreign_files:
            properties |= iceberg.name_mapping(schema)
        with aws.reaching(f"table {lake.database(self.zone)}.{self.name}"):
            table = iceberg.catalog().create_table_if_not_exists(
                (lake.database(self.zone), self.name),
                schema,
                location=lake.table_location(self.zone, self.name),
                partition_spec=partitioning,
                properties=properties,
            )
            self._evolution(table).apply(table)
            return table

    def load(self, lake: Lake) -> Table:
        """Return the table; LakeUnreachable if it does not exist."""
        return iceberg.load_table(lake, self.zone, self.name)

    def load_for_writing(self, lake: Lake) -> Table:
        """Return the table, if it has these columns.

        Raises
        ------
        FirelakeError
            If it does not have them yet, or cannot without loss.
        """
        table = self.load(lake)
        if self._evolution(table):
            raise FirelakeError(
                f"table {'.'.join(table.name())} differs from its declaration; run `firelake prepare`"
            )
        return table

    def _evolution(self, table: Table) -> Evolution:
        return evolution(table, self.columns, dict(self.renamed_from))


def trusted(dataset: Dataset) -> TableDeclaration:
    """Declare a dataset's trusted table: its columns, undeclared fields, and where each row came from."""
    own = tuple(
        (column.name, column.type, _comment(column.description, column.unit)) for column in dataset.columns
    )
    added: Columns = (
        (EXTRA_COLUMN, _STRING, "Fields that the spec does not declare, as a JSON object"),
        (RAW_OBJECT_COLUMN, _STRING, "Key of the raw object that the row came from"),
        (RAW_POSITION_COLUMN, _BIGINT, "Place of the record in that object, from 0"),
    )
    return TableDeclaration(
        Zone.TRUSTED,
        dataset.name,
        dataset.description,
        own + added,
        dataset.event_time,
        dataset.partition_by,
        renamed_from=tuple((c.name, c.renamed_from) for c in dataset.columns if c.renamed_from is not None),
    )


def quarantine(dataset: Dataset) -> TableDeclaration:
    """Declare the table of a dataset's refused records and fragments."""
    return TableDeclaration(
        Zone.QUARANTINE,
        dataset.name,
        f"Records and fragments of {dataset.name} that were refused, and why",
        (
            ("reason", _STRING, "Why it was refused: a reason code"),
            ("detail", _STRING, "What exactly was wrong"),
            ("raw_text", _STRING, "The bytes as text, at most 64 KiB; bytes that are no UTF-8 as \\xNN"),
            (RAW_OBJECT_COLUMN, _STRING, "Key of the raw object"),
            (RAW_POSITION_COLUMN, _BIGINT, "Place among the object's records and fragments, from 0"),
            ("byte_offset", _BIGINT, "Where it begins in the decompressed object"),
            ("byte_length", _BIGINT, "How many bytes it has"),
            ("arrived_at", _TIMESTAMP, "When Firehose received the object's oldest record, UTC"),
            ("run_id", _STRING, "The run that refused it"),
        ),
        "arrived_at",
        Grain.DAY,
    )


def summary(table: SummaryTable) -> TableDeclaration:
    """Declare a summary table."""
    columns = tuple((c.name, c.type, _comment(c.description, c.unit)) for c in table.columns)
    return TableDeclaration(
        Zone.SUMMARY,
        table.name,
        table.description,
        columns,
        table.partition.column,
        table.partition.grain,
        foreign_files=True,
    )


LEDGER = TableDeclaration(
    Zone.OPS,
    "ledger",
    "One entry for each time a raw object was processed, or lost rows to an equal record with an earlier key",
    (
        ("dataset", _STRING, "The dataset"),
        ("raw_object", _STRING, "Key of the raw object; null for an empty period"),
        (
            "entry",
            _STRING,
            "processed; displaced: rows became another object's duplicates; empty: no objects; "
            "held: taken back by a rollback",
        ),
        ("arrived_at", _TIMESTAMP, "When Firehose received the object's oldest record, UTC"),
        ("arrival_period", _STRING, "Arrival period that the object belongs to"),
        ("run_id", _STRING, "The run"),
        ("sequence_number", _BIGINT, "Place of the run's commit in the trusted table's history"),
        ("event_partitions", _STRING, "Event partitions that got rows of the run, separated by commas"),
        ("records_in", _BIGINT, "Records and fragments found"),
        ("trusted", _BIGINT, "Rows published"),
        ("duplicates", _BIGINT, "Records equal to another one"),
        ("quarantined", _BIGINT, "Records and fragments refused"),
        ("bytes_raw", _BIGINT, "Size of the object as stored"),
        ("bytes_json", _BIGINT, "Size of the object decompressed"),
    ),
    "arrived_at",
    Grain.DAY,
    append_only=True,
)


def _comment(description: str, unit: str | None) -> str:
    return f"{description} [{unit}]" if unit else description


QUALITY_RESULTS = TableDeclaration(
    Zone.OPS,
    history.TABLE,
    history.COMMENT,
    history.COLUMNS,
    history.TIME_COLUMN,
    Grain.DAY,
    append_only=True,
)

COLUMN_PROFILES = TableDeclaration(
    Zone.OPS,
    profile.TABLE,
    profile.COMMENT,
    profile.COLUMNS,
    profile.TIME_COLUMN,
    Grain.DAY,
    append_only=True,
)

DRIFT = TableDeclaration(
    Zone.OPS,
    DRIFT_TABLE,
    drift_records.COMMENT,
    drift_records.COLUMNS,
    drift_records.TIME_COLUMN,
    Grain.DAY,
    append_only=True,
)

OPERATIONAL = (LEDGER, QUALITY_RESULTS, COLUMN_PROFILES, DRIFT)
"""The tables that all datasets share."""
