"""Where records went, by run and by arrival period, folded from the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from firelake.books import Totals
from firelake.insight.daily import Fold
from firelake.outcome import Outcome
from firelake.tables import LEDGER

_DAY_LENGTH = len("2026-11-21")
# As firelake.books folds the entries of one object: the latest that says where its records went stands,
# and what later ones took from it is taken off; of one commit, a rollback's come first. All entries of an
# object lie in the same day, for they carry its arrival: so each day is folded for itself. `run_…` is what
# a run said of its own objects; a rollback repeats it of those that it puts back.
_SQL = """
WITH held AS (
    SELECT DISTINCT dataset, raw_object, run_id, true AS held FROM entries WHERE entry = 'held'
), marked AS (
    SELECT entries.*, coalesce(held.held, false) AS held
    FROM entries LEFT JOIN held USING (dataset, raw_object, run_id)
), told AS (
    SELECT *, row_number() OVER (
        PARTITION BY dataset, raw_object ORDER BY sequence_number DESC, held) = 1 AS latest,
        NOT held AND row_number() OVER (
            PARTITION BY dataset, raw_object, run_id ORDER BY sequence_number) = 1 AS own
    FROM marked WHERE entry = 'processed'
), taken AS (
    SELECT latest.dataset, latest.arrival_period, latest.run_id,
        sum(later.records_in) AS records_in, sum(later.trusted) AS trusted,
        sum(later.duplicates) AS duplicates, sum(later.quarantined) AS quarantined
    FROM marked AS later JOIN told AS latest ON latest.latest
        AND later.dataset = latest.dataset AND later.raw_object = latest.raw_object
        AND (later.sequence_number > latest.sequence_number
            OR (later.sequence_number = latest.sequence_number AND later.held <= latest.held))
    WHERE later.entry = 'displaced' GROUP BY ALL
), counted AS (
    SELECT dataset, arrival_period, run_id, min(sequence_number) AS sequence_number,
        string_agg(DISTINCT event_partitions, ',') AS event_partitions,
        count(*) FILTER (own) AS run_objects,
        sum(records_in) FILTER (own) AS run_records_in,
        sum(trusted) FILTER (own) AS run_trusted,
        sum(duplicates) FILTER (own) AS run_duplicates,
        sum(quarantined) FILTER (own) AS run_quarantined,
        sum(bytes_raw) FILTER (own) AS run_bytes_raw,
        sum(bytes_json) FILTER (own) AS run_bytes_json,
        sum(records_in) FILTER (latest) AS records_in, sum(trusted) FILTER (latest) AS trusted,
        sum(duplicates) FILTER (latest) AS duplicates, sum(quarantined) FILTER (latest) AS quarantined,
        sum(bytes_raw) FILTER (latest) AS bytes_raw
    FROM told GROUP BY ALL
)
SELECT dataset, arrival_period, run_id, sequence_number, event_partitions, run_objects::BIGINT AS run_objects,
    coalesce(run_records_in, 0)::BIGINT AS run_records_in, coalesce(run_trusted, 0)::BIGINT AS run_trusted,
    coalesce(run_duplicates, 0)::BIGINT AS run_duplicates,
    coalesce(run_quarantined, 0)::BIGINT AS run_quarantined,
    coalesce(run_bytes_raw, 0)::BIGINT AS run_bytes_raw,
    coalesce(run_bytes_json, 0)::BIGINT AS run_bytes_json,
    (coalesce(counted.records_in, 0) + coalesce(taken.records_in, 0))::BIGINT AS records_in,
    (coalesce(counted.trusted, 0) + coalesce(taken.trusted, 0))::BIGINT AS trusted,
    (coalesce(counted.duplicates, 0) + coalesce(taken.duplicates, 0))::BIGINT AS duplicates,
    (coalesce(counted.quarantined, 0) + coalesce(taken.quarantined, 0))::BIGINT AS quarantined,
    coalesce(counted.bytes_raw, 0)::BIGINT AS bytes_raw
FROM counted LEFT JOIN taken USING (dataset, arrival_period, run_id)
ORDER BY dataset
"""

FOLD = Fold(
    LEDGER,
    (
        "dataset",
        "raw_object",
        "entry",
        "arrival_period",
        "run_id",
        "sequence_number",
        "event_partitions",
        "records_in",
        "trusted",
        "duplicates",
        "quarantined",
        "bytes_raw",
        "bytes_json",
    ),
    _SQL,
)


class Counts(Totals):
    """Where records went, and the size of the objects that they came in."""

    bytes_raw: int = 0

    @classmethod
    def sum_of(cls, counts: Iterable[Counts]) -> Counts:
        """Add counts up."""
        found = list(counts)
        return cls(**{name: sum(getattr(one, name) for one in found) for name in cls.model_fields})

    @property
    def quarantine_rate(self) -> float | None:
        """The share that was refused; None if nothing came in."""
        return self.quarantined / self.records_in if self.records_in else None


class PeriodFlow(Outcome):
    """What arrived in one period, as it stands now."""

    period: str
    counts: Counts


class RunFlow(Outcome):
    """What one run took in, as it was then.

    Parameters
    ----------
    sequence_number
        Place of its commit in the trusted table's history.
    arrival_periods, event_partitions
        What its objects belong to, and where its rows went.
    """

    run_id: str
    sequence_number: int
    arrival_periods: tuple[str, ...]
    event_partitions: tuple[str, ...]
    raw_objects: int
    bytes_json: int
    counts: Counts


@dataclass(frozen=True)
class Flows:
    """The folded ledger of some datasets' recent days.

    Parameters
    ----------
    rows
        As the fold leaves them, by dataset.
    """

    rows: pa.Table

    def of(self, dataset: str) -> Flows:
        """Return those of one dataset."""
        return Flows(self.rows.filter(pc.equal(self.rows["dataset"], dataset)))

    def total(self) -> Counts:
        """Return the sums as they stand now."""
        return Counts(**{name: pc.sum(self.rows[name]).as_py() or 0 for name in Counts.model_fields})

    def by_day(self) -> dict[str, list[PeriodFlow]]:
        """Return each dataset's days of arrival, the oldest first."""
        days = pc.utf8_slice_codeunits(self.rows["arrival_period"], 0, _DAY_LENGTH)
        return _by_dataset(self.rows.set_column(1, "arrival_period", days))

    def by_period(self) -> dict[str, list[PeriodFlow]]:
        """Return each dataset's arrival periods, the oldest first."""
        return _by_dataset(self.rows)

    def runs(self) -> list[RunFlow]:
        """Return one dataset's runs, the latest first."""
        by_run: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows.filter(pc.greater(self.rows["run_objects"], 0)).to_pylist():
            by_run.setdefault(row["run_id"], []).append(row)
        runs = [_run(run_id, rows) for run_id, rows in by_run.items()]
        return sorted(runs, key=lambda run: (run.sequence_number, run.run_id), reverse=True)


def _by_dataset(rows: pa.Table) -> dict[str, list[PeriodFlow]]:
    sums = [(name, "sum") for name in Counts.model_fields]
    found = rows.group_by(["dataset", "arrival_period"]).aggregate(sums).sort_by("arrival_period")
    flows: dict[str, list[PeriodFlow]] = {}
    for row in found.to_pylist():
        counts = Counts(**{name: row[f"{name}_sum"] for name in Counts.model_fields})
        flows.setdefault(row["dataset"], []).append(PeriodFlow(period=row["arrival_period"], counts=counts))
    return flows


def _run(run_id: str, rows: Iterable[dict[str, Any]]) -> RunFlow:
    rows = list(rows)
    partitions = {part for row in rows for part in (row["event_partitions"] or "").split(",") if part}
    return RunFlow(
        run_id=run_id,
        sequence_number=min(row["sequence_number"] for row in rows),
        arrival_periods=tuple(sorted({row["arrival_period"] for row in rows})),
        event_partitions=tuple(sorted(partitions)),
        raw_objects=sum(row["run_objects"] for row in rows),
        bytes_json=sum(row["run_bytes_json"] for row in rows),
        counts=Counts(**{name: sum(row[f"run_{name}"] for row in rows) for name in Counts.model_fields}),
    )
