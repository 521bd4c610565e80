"""A dataset's pipeline, step by step, for whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from firelake import publish as publishing
from firelake.compact import engine
from firelake.compact.discover import Discovered, discover
from firelake.compact.scratch import Limits
from firelake.iceberg import StaleBase
from firelake.layout import Lake, Zone, stage_key, uri
from firelake.ledger import Ledger, read_stage
from firelake.outcome import Accounting, Outcome, Published
from firelake.periods import Grain, PeriodRange
from firelake.quality import checkpoint
from firelake.quality.acceptance import accept
from firelake.quality.verdict import Verdict
from firelake.runs import new_run_id
from firelake.spec import Dataset, find_dataset
from firelake.storage import Bucket
from firelake.tables import trusted
from firelake.verify import Verified, verify_rows

# Runs that touch the same event partition at the same time take turns; each turn stages again.
_STAGINGS = 10


class Staged(Outcome):
    """Where a run's stage lies, and its books."""

    stage_uri: str
    accounting: Accounting


class Ran(Outcome):
    """A run that is visible to readers.

    Parameters
    ----------
    rows
        Rows of the event partitions that it touched, as Athena counts them.
    """

    arrival: str
    run_id: str
    snapshot_id: int | None
    accounting: Accounting
    rows: dict[str, int]
    report_uri: str


@dataclass(frozen=True)
class Pipeline:
    """The steps of one dataset in one lake.

    Parameters
    ----------
    limits
        How much of the machine a run may use; None for the usual.
    """

    lake: Lake
    dataset: Dataset
    limits: Limits | None = None

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the pipeline of the dataset called ``name``, in the lake that the environment names."""
        return cls(Lake.from_environment(), find_dataset(name))

    def compact(self, arrival: PeriodRange, origin: str) -> Staged:
        """Stage what some arrival periods add to the dataset.

        Parameters
        ----------
        origin
            What started the run; the run's id begins with it.

        Raises
        ------
        AccountingError
            If not every record is accounted for.
        """
        stage = engine.compact(self.lake, self.dataset, arrival, new_run_id(origin), self.limits)
        return Staged(stage_uri=publishing.save_stage(self.lake, stage), accounting=stage.accounting)

    def gate(self, stage_uri: str) -> Verdict:
        """Hold a stage to the dataset's suite; write the report, the history and the verdict.

        Raises
        ------
        GateFailed
            If a critical rule failed.
        """
        return checkpoint.judge_stage(self.lake, self.dataset, read_stage(stage_uri))

    def publish(self, stage_uri: str) -> Published:
        """Make a stage that passed the gate visible, in one commit.

        If another run changed one of its partitions since, it is staged and judged anew.

        Raises
        ------
        GateFailed
            If the stage, or the one made anew, did not pass the gate.
        CommitConflict
            If other runs kept winning.
        """
        for staging in range(_STAGINGS):
            stage = read_stage(stage_uri)
            checkpoint.require_passed(self.lake, stage.dataset, stage.run_id)
            try:
                return publishing.publish(self.lake, self.dataset, stage, stage_uri)
            except StaleBase:
                if staging == _STAGINGS - 1:
                    raise
                stage_uri = self.compact(self._arrival(stage.period), stage.run_id).stage_uri
                self.gate(stage_uri)
        raise AssertionError("unreachable: the last staging returns or raises")

    def verify(self, published: Published) -> Verified:
        """Check that Athena sees exactly what was published.

        Raises
        ------
        VerificationFailed
            If it sees anything else.
        """
        return verify_rows(self.lake, trusted(self.dataset), published.snapshot_id, published.rows)

    def run(self, arrival: PeriodRange, origin: str, told: Callable[[str], None] = lambda _: None) -> Ran:
        """Take some arrival periods all the way to readers: compact, gate, publish, verify.

        Parameters
        ----------
        told
            Is told of each step as it begins.

        Raises
        ------
        FirelakeError
            If a step fails; nothing after it was done.
        """
        told(f"{self.dataset.name} {arrival}: compact")
        staged = self.compact(arrival, origin)
        told(f"{self.dataset.name} {arrival}: {staged.accounting}")
        told(f"{self.dataset.name} {arrival}: gate")
        verdict = self.gate(staged.stage_uri)
        told(f"{self.dataset.name} {arrival}: publish")
        published = self.publish(staged.stage_uri)
        told(f"{self.dataset.name} {arrival}: verify")
        verified = self.verify(published)
        return Ran(
            arrival=arrival.key,
            run_id=published.run_id,
            snapshot_id=published.snapshot_id,
            accounting=published.accounting,
            rows=verified.rows,
            report_uri=verdict.report_uri,
        )

    def rebuilding(self, events: PeriodRange, now: datetime) -> PeriodRange:
        """Return the arrival periods that may hold records of some event days."""
        start = events.start - self.dataset.max_skew
        end = min(events.end + self.dataset.max_lateness, now)
        return PeriodRange.covering(start, max(end, events.start), self.dataset.raw.arrival_period)

    def discovered(self, arrival: PeriodRange) -> Discovered:
        """Return the objects that a run of some arrival periods would take in."""
        bucket = Bucket(self.lake.bucket(Zone.RAW))
        return discover(bucket, self.dataset, arrival, Ledger(self.lake, self.dataset))

    def _arrival(self, key: str) -> PeriodRange:
        return PeriodRange.parse(key, self.dataset.raw.arrival_period)


def compact(dataset: str, period: str, origin: str = "cli", limits: Limits | None = None) -> dict[str, Any]:
    """Stage what one arrival period adds to a dataset: :meth:`Pipeline.compact` as plain JSON.

    Parameters
    ----------
    dataset
        Its name.
    period
        The arrival period, as ``2026-11-21`` or ``2026-11-21T14``; or two, with a slash between.

    Returns
    -------
    dict
        ``stage_uri``, for the next steps, and ``accounting``.
    """
    pipeline = Pipeline(Lake.from_environment(), find_dataset(dataset), limits)
    arrival = PeriodRange.parse(period, pipeline.dataset.raw.arrival_period)
    return pipeline.compact(arrival, origin).model_dump(mode="json")


def plan_rebuild(dataset: str, since: str, until: str) -> dict[str, Any]:
    """Find what has to be read to make the rows of some event days anew.

    Parameters
    ----------
    since, until
        Event days, as ``2026-11-21``; both are included.

    Returns
    -------
    dict
        ``arrival``, for :func:`compact`, and the ``objects`` and ``bytes_raw`` that lie in it.
    """
    pipeline = Pipeline.of(dataset)
    arrival = pipeline.rebuilding(PeriodRange.parse(f"{since}/{until}", Grain.DAY), datetime.now(UTC))
    found = pipeline.discovered(arrival)
    return {"arrival": arrival.key, "objects": len(found.objects), "bytes_raw": found.bytes_raw}


def gate(stage_uri: str) -> dict[str, Any]:
    """Judge a stage, as :meth:`Pipeline.gate`; return ``passed``, rules by outcome, ``report_uri``."""
    return Pipeline.of(read_stage(stage_uri).dataset).gate(stage_uri).summary()


def publish(stage_uri: str) -> dict[str, Any]:
    """Publish a stage, as :meth:`Pipeline.publish`; return :class:`firelake.outcome.Published` as JSON."""
    return Pipeline.of(read_stage(stage_uri).dataset).publish(stage_uri).model_dump(mode="json")


def verify(published: dict[str, Any]) -> dict[str, Any]:
    """Verify what was published, as :meth:`Pipeline.verify`; return rows by partition as Athena counted."""
    outcome = Published.model_validate(published)
    return Pipeline.of(outcome.dataset).verify(outcome).model_dump(mode="json")


def accept_by_name(dataset: str, run_id: str, by: str, why: str) -> dict[str, Any]:
    """Accept a batch that the gate refused, as :func:`firelake.quality.acceptance.accept`.

    Returns
    -------
    dict
        ``stage_uri``, for :func:`publish`, and the acceptance.
    """
    lake = Lake.from_environment()
    acceptance = accept(lake, find_dataset(dataset).name, run_id, by, why)
    stage_uri = uri(lake.bucket(Zone.OPS), stage_key(dataset, run_id))
    return {"stage_uri": stage_uri, **acceptance.model_dump(mode="json")}
