"""``accept``, ``rollback`` and ``erase``: what a person decides about data."""

from __future__ import annotations

import argparse

from firelake.cli.answer import Answer, progress, table
from firelake.cli.selected import dataset_of, pipeline_of
from firelake.erase import Erasure, Request
from firelake.errors import UsageError
from firelake.layout import Lake, Zone, stage_key, uri
from firelake.quality import acceptance
from firelake.rollback import Rollback, SnapshotInfo
from firelake.summary.spec import load_summaries

_UNCHANGED = "nothing was changed; add --apply to do it"


def accept(options: argparse.Namespace) -> Answer:
    """List the batches that the gate refused, or publish one that somebody answers for."""
    pipeline = pipeline_of(options)
    lake, dataset = pipeline.lake, pipeline.dataset
    if options.run is None:
        found = acceptance.refused(lake, dataset.name)
        lines = [
            f"{one.run_id}: {', '.join(rule.rule for result in one.results for rule in result.blocking)}"
            for one in found
        ]
        listed = {"refused": [{"run_id": one.run_id, **one.summary()} for one in found]}
        return Answer(listed, tuple(lines) or ("the gate has refused nothing that is still staged",))
    accepted = acceptance.accept(lake, dataset.name, options.run, options.by or "", options.why or "")
    stage_uri = uri(lake.bucket(Zone.OPS), stage_key(dataset.name, options.run))
    published = pipeline.publish(stage_uri)
    pipeline.verify(published)
    said = f"{options.run}: accepted by {accepted.by}, published in snapshot {published.snapshot_id}"
    outcome = {"acceptance": accepted.model_dump(mode="json"), "published": published.model_dump(mode="json")}
    return Answer(outcome, (said,))


def rollback(options: argparse.Namespace) -> Answer:
    """List snapshots, say what going back to one would do, or go back."""
    rollbacks = Rollback(Lake.from_environment(), dataset_of(options))
    if options.to is None:
        if options.apply:
            raise UsageError("--apply: say which snapshot, with --to")
        return _listed(rollbacks.snapshots())
    if not options.apply:
        plan = rollbacks.plan(options.to)
        return Answer({"applied": False, "plan": plan.model_dump(mode="json")}, (str(plan), _UNCHANGED))
    done = rollbacks.run(options.to, "cli")
    outcome = {"applied": True, **done.model_dump(mode="json")}
    return Answer(outcome, (str(done.plan), f"done by {done.run_id}, snapshot {done.snapshot_id}"))


def erase(options: argparse.Namespace) -> Answer:
    """Say what an erasure would remove, or do it and prove it."""
    dataset = dataset_of(options)
    with options.values_from as lines:
        values = [line.rstrip("\r\n") for line in lines if line.strip()]
    reading = tuple(one for one in load_summaries() if dataset.name in one.table.sources)
    request = Request.of(dataset, options.column, values)
    erasure = Erasure(Lake.from_environment(), request, reading, progress)
    report = erasure.run("cli") if options.apply else erasure.plan()
    said = (f"report: {report.report_uri}",) if options.apply else (_UNCHANGED,)
    return Answer(report.model_dump(mode="json"), (str(report), *said))


def _listed(found: tuple[SnapshotInfo, ...]) -> Answer:
    header = ("snapshot", "committed at (UTC)", "rows", "objects taken back", "made by")
    rows = [
        (
            str(one.snapshot_id),
            f"{one.committed_at:%Y-%m-%d %H:%M:%S}",
            f"{one.rows:,}",
            f"{one.objects_taken_back:,}",
            one.run_id,
        )
        for one in found
    ]
    lines = tuple(table(header, rows)) if rows else ("there is no earlier snapshot",)
    return Answer({"snapshots": [one.model_dump(mode="json") for one in found]}, lines)
