"""What the demo did: counted from the runs and the tables, and compared with what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import awswrangler
import pandas as pd
from firelake.iceberg import load_table
from firelake.layout import Lake, Zone
from firelake.outcome import Outcome, Published
from firelake.quality.result import Severity
from firelake.spec.dataset import RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.sql import identifier
from firelake.summary.spec import SummaryTable
from pyiceberg.table import Table

from ingest.sent import Sent


class GateOutcome(Outcome):
    """Expectations that failed, by severity, over all batches; and whether every batch passed."""

    critical: int
    warning: int
    info: int
    passed: bool


class DatasetOutcome(Outcome):
    """Where one dataset's records went.

    Parameters
    ----------
    rows
        Rows of the trusted table.
    fingerprint
        Of those rows, whatever files hold them: equal rows, equal fingerprint.
    """

    raw_objects: int
    records_in: int
    trusted: int
    duplicates: int
    quarantined: dict[str, int]
    balanced: bool
    bytes_raw: int
    bytes_parquet: int
    gate: GateOutcome
    rows: int
    fingerprint: str
    reports: tuple[str, ...]


class SummaryOutcome(Outcome):
    """What a reader sees of one summary table."""

    partitions: int
    rows: int


class DemoOutcome(Outcome):
    """Everything the demo did, and what it had sent."""

    datasets: dict[str, DatasetOutcome]
    summaries: dict[str, SummaryOutcome]
    lifecycle: dict[str, Any]
    sent: dict[str, Sent]
    pictures: tuple[str, ...] = ()
    seconds: float

    def problems(self, before: DemoOutcome | None) -> list[str]:
        """Say what does not balance, did not pass, differs from what was sent or from an earlier demo."""
        problems = []
        for name, outcome in self.datasets.items():
            if not outcome.balanced:
                problems.append(f"{name}: the accounting does not balance")
            if not outcome.gate.passed:
                problems.append(f"{name}: the gate did not pass")
            for key, sent in self.sent[name].expected.model_dump().items():
                if getattr(outcome, key) != sent:
                    problems.append(f"{name}: {key} is {getattr(outcome, key)}, but {sent} was sent")
            earlier = before.datasets.get(name) if before is not None else None
            if earlier is not None and earlier.fingerprint != outcome.fingerprint:
                problems.append(f"{name}: the trusted rows are not those of the demo before")
        if not self.lifecycle["verified"]:
            problems.append("the storage tiers are not as declared")
        return problems


def count_dataset(
    lake: Lake,
    dataset: str,
    published: Sequence[Published],
    verdicts: Sequence[dict[str, Any]],
    reports: tuple[str, ...],
) -> DatasetOutcome:
    """Add up what the runs of a dataset have done, and look into its trusted table."""
    books = [each.accounting for each in published]
    quarantined: Counter[str] = Counter()
    for book in books:
        quarantined.update(book.quarantined)
    # What a run displaced, an earlier one had counted as trusted.
    displaced = sum(book.displaced for book in books)
    trusted = sum(book.trusted_new for book in books) - displaced
    duplicates = sum(book.duplicates for book in books) + displaced
    records_in = sum(book.records_in for book in books)
    table = load_table(lake, Zone.TRUSTED, dataset)
    rows, fingerprint = _fingerprint(table)
    return DatasetOutcome(
        raw_objects=sum(book.raw_objects for book in books),
        records_in=records_in,
        trusted=trusted,
        duplicates=duplicates,
        quarantined=dict(sorted(quarantined.items())),
        balanced=records_in == trusted + duplicates + quarantined.total() and trusted == rows,
        bytes_raw=sum(book.bytes_raw for book in books),
        bytes_parquet=sum(task.file.file_size_in_bytes for task in table.scan().plan_files()),
        gate=_gate(verdicts),
        rows=rows,
        fingerprint=fingerprint,
        reports=reports,
    )


def read_summary(lake: Lake, table: SummaryTable) -> SummaryOutcome:
    """Read a summary as an analyst would."""
    partition = identifier(table.partition.column)
    frame = query_summaries(
        lake,
        f"SELECT count(*) AS n, count(DISTINCT {partition}) AS partitions FROM {identifier(table.name)}",  # noqa: S608
    )
    return SummaryOutcome(rows=int(frame["n"][0]), partitions=int(frame["partitions"][0]))


def query_summaries(lake: Lake, statement: str) -> pd.DataFrame:
    """Ask the summary tables with awswrangler."""
    return awswrangler.athena.read_sql_query(
        statement,
        database=lake.database(Zone.SUMMARY),
        workgroup=lake.athena_workgroup,
        ctas_approach=False,
    )


def _fingerprint(table: Table) -> tuple[int, str]:
    order = [(RAW_OBJECT_COLUMN, "ascending"), (RAW_POSITION_COLUMN, "ascending")]
    rows = table.scan().to_arrow().sort_by(order)
    digest = sha256()
    for row in rows.to_pylist():
        digest.update(repr(row).encode())
    return rows.num_rows, digest.hexdigest()


def _gate(verdicts: Sequence[dict[str, Any]]) -> GateOutcome:
    failed: Counter[str] = Counter()
    for verdict in verdicts:
        failed.update(verdict["failed"])
    return GateOutcome(
        **{str(severity): failed[severity] for severity in Severity},
        passed=all(verdict["passed"] for verdict in verdicts),
    )
