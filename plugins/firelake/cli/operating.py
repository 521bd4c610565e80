"""``rollback``: what takes published data back."""

from __future__ import annotations

import argparse

from firelake.cli.answer import Answer, table
from firelake.cli.selected import dataset_of
from firelake.errors import UsageError
from firelake.layout import Lake
from firelake.rollback import Rollback, SnapshotInfo

_UNCHANGED = "nothing was changed; add --apply to do it"


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
