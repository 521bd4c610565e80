"""What each step of a run says it did. Steps hand these to each other as JSON in the lake."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Outcome(BaseModel):
    """Base of all outcomes: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ObjectOutcome(Outcome):
    """Where the records of one raw object went.

    ``records_in = trusted + duplicates + quarantined`` holds for every object.
    """

    raw_object: str
    arrived_at: datetime
    bytes_raw: int
    bytes_json: int
    records_in: int
    trusted: int
    duplicates: int
    quarantined: int


class Displaced(Outcome):
    """Rows of an earlier run's object that lost to an equal record of this run with an earlier key.

    They are duplicates from now on.
    """

    arrived_at: datetime
    rows: int


class Accounting(Outcome):
    """The sums over a run's raw objects.

    Parameters
    ----------
    quarantined
        Records and fragments refused, by reason code.
    displaced
        Rows of earlier runs that became duplicates.
    fields_dropped
        Undeclared fields of records that the spec lets go.
    """

    raw_objects: int
    records_in: int
    trusted_new: int
    duplicates: int
    quarantined: dict[str, int]
    displaced: int
    fields_dropped: int = 0
    bytes_raw: int
    bytes_json: int

    @property
    def records_quarantined(self) -> int:
        """Records and fragments refused, for whatever reason."""
        return sum(self.quarantined.values())

    @property
    def balanced(self) -> bool:
        """Whether every record that came in went somewhere."""
        return self.records_in == self.trusted_new + self.duplicates + self.records_quarantined

    def __str__(self) -> str:
        """Return the identity with its numbers."""
        refused = ", ".join(f"{reason} {records:,}" for reason, records in self.quarantined.items())
        return (
            f"{self.records_in:,} records of {self.raw_objects:,} objects = {self.trusted_new:,} trusted + "
            f"{self.duplicates:,} duplicates + {self.records_quarantined:,} quarantined"
            + (f" ({refused})" if refused else "")
        )


class StagedFile(Outcome):
    """A Parquet file that no reader sees yet."""

    uri: str
    partition: str
    rows: int
    bytes_parquet: int


class PartitionBase(Outcome):
    """What a partition consisted of when a stage was built on it; publishing checks it still does."""

    partition: str
    files: tuple[str, ...]
    rows: int


class TableStage(Outcome):
    """New contents for some partitions of one table."""

    table: str
    bases: tuple[PartitionBase, ...]
    files: tuple[StagedFile, ...]

    @property
    def rows(self) -> int:
        """Rows the staged files hold."""
        return sum(file.rows for file in self.files)

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions whose contents are replaced, in order."""
        return tuple(base.partition for base in self.bases)


class FailedRows(Outcome):
    """Records that a run refused because they failed rules, as rows of the trusted table.

    Parameters
    ----------
    by_rule
        How many of them fail each rule that quarantines; one may fail several.
    """

    uri: str
    by_rule: dict[str, int]


class Stage(Outcome):
    """Everything one run of a pipeline has staged.

    Parameters
    ----------
    objects
        Where the records of each raw object went.
    displaced
        What the run takes from objects of earlier runs, by key.
    failed
        The records that failed rules; None if there are none.
    """

    dataset: str
    period: str
    run_id: str
    trusted: TableStage
    quarantine: TableStage
    objects: tuple[ObjectOutcome, ...]
    displaced: dict[str, Displaced]
    accounting: Accounting
    failed: FailedRows | None = None


class Published(Outcome):
    """What one commit made visible.

    Parameters
    ----------
    rows
        Rows in each replaced partition, by partition key, as the commit left them.
    """

    dataset: str
    period: str
    run_id: str
    snapshot_id: int | None
    rows: dict[str, int]
    accounting: Accounting


class SourceState(Outcome):
    """What a summary's source was when a partition was computed from it.

    Parameters
    ----------
    files
        Those that hold rows of the partition's time.
    """

    snapshot_id: int | None
    files: tuple[str, ...]


class SummaryStage(Outcome):
    """One partition of a summary, computed but not visible.

    Parameters
    ----------
    sources
        The datasets that it is reconciled with, as they were.
    query_id
        Athena's id of the query that computed it.
    bytes_scanned
        What the query read.
    """

    summary: str
    partition: str
    run_id: str
    rows: TableStage
    query_id: str
    bytes_scanned: int
    sources: dict[str, SourceState] = {}


class SummaryPublished(Outcome):
    """What one commit to a summary made visible; ``rows`` by partition."""

    summary: str
    run_id: str
    snapshot_id: int | None
    rows: dict[str, int]
    bytes_scanned: int
