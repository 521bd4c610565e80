"""A dataset's pipeline, step by step; each step takes and gives plain JSON, for whoever runs it."""

from __future__ import annotations

from typing import Any

from firelake import publish as publishing
from firelake.compact import engine
from firelake.compact.scratch import Limits
from firelake.iceberg import StaleBase
from firelake.layout import Lake
from firelake.ledger import read_stage
from firelake.outcome import Published
from firelake.periods import Period
from firelake.quality import checkpoint
from firelake.runs import new_run_id
from firelake.spec import find_dataset
from firelake.tables import trusted
from firelake.verify import verify_rows

# Runs that touch the same event partition at the same time take turns; each turn stages again.
_STAGINGS = 10


def compact(dataset: str, period: str, origin: str = "cli", limits: Limits | None = None) -> dict[str, Any]:
    """Stage what one arrival period adds to a dataset.

    Parameters
    ----------
    dataset
        Its name.
    period
        The arrival period, as ``2026-11-21`` or ``2026-11-21T14``.
    origin
        What started the run; the run's id begins with it.

    Returns
    -------
    dict
        ``stage_uri``, for the next steps, and ``accounting``.
    """
    lake, spec = Lake.from_environment(), find_dataset(dataset)
    arrival = Period.parse(period, spec.raw.arrival_period)
    stage = engine.compact(lake, spec, arrival, new_run_id(origin), limits)
    stage_uri = publishing.save_stage(lake, stage)
    return {"stage_uri": stage_uri, "accounting": stage.accounting.model_dump(mode="json")}


def gate(stage_uri: str) -> dict[str, Any]:
    """Hold a stage to the dataset's suite; write the report, the history and the verdict.

    Returns
    -------
    dict
        The verdict: ``passed``, rules by outcome and severity, ``report_uri``.

    Raises
    ------
    GateFailed
        If a critical rule failed.
    """
    stage = read_stage(stage_uri)
    verdict = checkpoint.judge_stage(Lake.from_environment(), find_dataset(stage.dataset), stage)
    return verdict.summary()


def publish(stage_uri: str) -> dict[str, Any]:
    """Make a stage that passed the gate visible, in one commit.

    If another run changed one of its partitions since, it is staged and judged anew.

    Returns
    -------
    dict
        What was published: :class:`firelake.outcome.Published` as JSON.

    Raises
    ------
    GateFailed
        If the stage, or the one made anew, did not pass the gate.
    CommitConflict
        If other runs kept winning.
    """
    lake = Lake.from_environment()
    for staging in range(_STAGINGS):
        stage = read_stage(stage_uri)
        spec = find_dataset(stage.dataset)
        checkpoint.require_passed(lake, stage.dataset, stage.run_id)
        try:
            published = publishing.publish(lake, spec, stage, stage_uri)
        except StaleBase:
            if staging == _STAGINGS - 1:
                raise
            stage_uri = compact(stage.dataset, stage.period, stage.run_id)["stage_uri"]
            gate(stage_uri)
        else:
            return published.model_dump(mode="json")
    raise AssertionError("unreachable: the last staging returns or raises")


def verify(published: dict[str, Any]) -> dict[str, Any]:
    """Check that Athena sees exactly what was published.

    Returns
    -------
    dict
        ``rows`` by event partition, as Athena counted them, and ``bytes_scanned``.

    Raises
    ------
    VerificationFailed
        If it sees anything else.
    """
    outcome = Published.model_validate(published)
    declaration = trusted(find_dataset(outcome.dataset))
    verified = verify_rows(Lake.from_environment(), declaration, outcome.snapshot_id, outcome.rows)
    return verified.model_dump(mode="json")
