"""What an erasure says it did, and how it is known."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from firelake.outcome import Outcome


class Proof(Outcome):
    """What a scan of everything that may hold the records found afterwards.

    Parameters
    ----------
    scanned
        Object versions that were read, by zone.
    holding
        Those that still hold a record.
    unreadable
        Raw objects of which not all can be read: damaged ones.
    """

    scanned: dict[str, int]
    holding: tuple[str, ...]
    unreadable: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found, and nothing could hide it."""
        return not (self.holding or self.unreadable)


class ErasureReport(Outcome):
    """What an erasure removed, or would; the values themselves are not in it.

    Parameters
    ----------
    values
        How many values were given.
    records_raw
        Records erased from raw objects, by object.
    older_versions
        Older versions of raw objects that held a record, and were removed.
    rows_trusted, rows_quarantined
        Rows erased, by event partition and by day of arrival.
    summaries
        Partitions of summaries that were computed anew, by table.
    snapshots_expired
        Snapshots that could still be read.
    derived_removed
        Reports and results of queries that held a value.
    proof
        None for a dry run.
    """

    dataset: str
    column: str
    values: int
    run_id: str
    applied: bool
    started_at: datetime
    records_raw: dict[str, int]
    older_versions: tuple[str, ...]
    rows_trusted: dict[str, int]
    rows_quarantined: dict[str, int]
    summaries: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    snapshots_expired: int = 0
    derived_removed: tuple[str, ...] = ()
    proof: Proof | None = None
    report_uri: str | None = None

    def __str__(self) -> str:
        """Return it as a few lines for a log."""
        lines = [
            f"{self.dataset}: records with one of {self.values} values of {self.column} "
            f"{'were' if self.applied else 'would be'} erased",
            f"raw: {sum(self.records_raw.values()):,} records in {len(self.records_raw):,} objects, "
            f"{len(self.older_versions):,} older versions",
            f"trusted: {sum(self.rows_trusted.values()):,} rows in {len(self.rows_trusted):,} partitions",
            f"quarantine: {sum(self.rows_quarantined.values()):,} rows",
        ]
        if self.proof is not None:
            scanned = ", ".join(f"{zone} {number:,}" for zone, number in self.proof.scanned.items())
            lines += [
                f"summaries: {sum(map(len, self.summaries.values())):,} partitions computed anew; "
                f"{self.snapshots_expired:,} snapshots expired",
                f"proof: object versions read: {scanned}; {len(self.proof.holding)} hold a record, "
                f"{len(self.proof.unreadable)} cannot be read in full",
            ]
        return "\n".join(lines)
