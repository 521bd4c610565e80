"""A summary's steps: computed by Athena, judged, committed, verified; plain JSON in and out."""

from __future__ import annotations

import io
from typing import Any

import pyarrow.parquet as pq

from firelake import iceberg
from firelake.errors import CommitConflict, SpecError
from firelake.layout import Lake, Zone, stage_key, uri
from firelake.outcome import SourceState, StagedFile, SummaryPublished, SummaryStage, TableStage
from firelake.periods import Period
from firelake.quality import checkpoint
from firelake.runs import new_run_id
from firelake.storage import Bucket, read_object
from firelake.summary.reconcile import source_states
from firelake.summary.spec import SUMMARIES_DIR, Summary, load_summaries
from firelake.summary.unload import QueryOutcome, unload
from firelake.tables import summary as declare
from firelake.verify import verify_rows

_STAGINGS = 10


def find_summary(name: str) -> Summary:
    """Return the newest version of a summary; SpecError if there is none."""
    versions = [summary for summary in load_summaries() if summary.table.name == name]
    if not versions:
        raise SpecError(SUMMARIES_DIR, 1, f"there is no summary {name!r}")
    return max(versions, key=lambda summary: summary.table.version)


def stage(summary: str, partition: str, origin: str = "cli") -> dict[str, Any]:
    """Compute one partition of a summary in Athena, as files that no reader sees.

    Returns
    -------
    dict
        ``stage_uri``, for the next steps, ``rows`` and ``bytes_scanned``.
    """
    lake, found = Lake.from_environment(), find_summary(summary)
    declaration = declare(found.table)
    period = Period.parse(partition, declaration.grain)
    current = iceberg.partition_files(declaration.load(lake), declaration.partition_column, [period])
    run_id, outcome, sources = _computed(lake, found, period, origin)
    rows = TableStage(
        table=summary,
        bases=iceberg.bases_of(current),
        files=tuple(_staged(address, partition) for address in outcome.files),
    )
    staged = SummaryStage(
        summary=summary,
        partition=partition,
        run_id=run_id,
        rows=rows,
        query_id=outcome.query_id,
        bytes_scanned=outcome.bytes_scanned,
        sources=sources,
    )
    bucket, key = lake.bucket(Zone.OPS), stage_key(summary, run_id)
    Bucket(bucket).write(key, staged.model_dump_json().encode())
    return {"stage_uri": uri(bucket, key), "rows": rows.rows, "bytes_scanned": outcome.bytes_scanned}


def gate(stage_uri: str) -> dict[str, Any]:
    """Hold a computed partition to the summary's checks; write report, history and verdict.

    Raises
    ------
    GateFailed
        If a critical rule failed.
    """
    staged = _read(stage_uri)
    verdict = checkpoint.judge_summary(Lake.from_environment(), find_summary(staged.summary).table, staged)
    return verdict.summary()


def publish(stage_uri: str) -> dict[str, Any]:
    """Make a partition that passed the gate visible, in one commit.

    If another run changed the partition since, it is computed and judged anew.

    Raises
    ------
    GateFailed
        If it, or the one made anew, did not pass.
    CommitConflict
        If other runs kept winning.
    """
    lake = Lake.from_environment()
    for staging in range(_STAGINGS):
        staged = _read(stage_uri)
        checkpoint.require_passed(lake, staged.summary, staged.run_id)
        try:
            return _commit(lake, staged, stage_uri).model_dump(mode="json")
        except iceberg.StaleBase:
            if staging == _STAGINGS - 1:
                raise
            stage_uri = stage(staged.summary, staged.partition, staged.run_id)["stage_uri"]
            gate(stage_uri)
    raise AssertionError("unreachable: the last staging returns or raises")


def verify(published: dict[str, Any]) -> dict[str, Any]:
    """Check that Athena sees exactly the rows that were published; VerificationFailed otherwise."""
    outcome = SummaryPublished.model_validate(published)
    declaration = declare(find_summary(outcome.summary).table)
    verified = verify_rows(Lake.from_environment(), declaration, outcome.snapshot_id, outcome.rows)
    return verified.model_dump(mode="json")


def _computed(
    lake: Lake, summary: Summary, period: Period, origin: str
) -> tuple[str, QueryOutcome, dict[str, SourceState]]:
    """Compute a partition while the rows that it is reconciled with stand still."""
    for _ in range(_STAGINGS):
        run_id = new_run_id(origin)
        before = source_states(lake, summary.table, period)
        outcome = unload(lake, summary, period, run_id)
        after = source_states(lake, summary.table, period)
        if {name: state.files for name, state in before.items()} == {
            name: state.files for name, state in after.items()
        }:
            return run_id, outcome, before
    raise CommitConflict(f"{summary.table.name} {period}: its sources kept changing; run it again")


def _commit(lake: Lake, staged: SummaryStage, stage_uri: str) -> SummaryPublished:
    declaration = declare(find_summary(staged.summary).table)
    snapshot = iceberg.replace_partitions(
        declaration.load(lake),
        staged.rows,
        declaration.partition_column,
        declaration.grain,
        {iceberg.COMMIT_PROPERTY: staged.run_id, iceberg.STAGE_PROPERTY: stage_uri},
    )
    return SummaryPublished(
        summary=staged.summary,
        run_id=staged.run_id,
        snapshot_id=snapshot.snapshot_id if snapshot else None,
        rows={staged.partition: staged.rows.rows},
        bytes_scanned=staged.bytes_scanned,
    )


def _read(stage_uri: str) -> SummaryStage:
    return SummaryStage.model_validate_json(read_object(stage_uri))


def _staged(address: str, partition: str) -> StagedFile:
    body = read_object(address)
    rows = pq.read_metadata(io.BytesIO(body)).num_rows
    return StagedFile(uri=address, partition=partition, rows=rows, bytes_parquet=len(body))
