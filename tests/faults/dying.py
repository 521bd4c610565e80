"""One run of a pipeline, killed at a named step: python -m tests.faults.dying STEP SPEC PERIOD."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firelake import iceberg
from firelake.compact import intake
from firelake.compact.merge import Merge
from firelake.compact.staging import Writer
from firelake.layout import Lake
from firelake.ledger import Ledger
from firelake.periods import PeriodRange
from firelake.pipeline import Pipeline
from firelake.quality import checkpoint
from firelake.spec import load_dataset
from firelake.storage import Bucket

# Where each step begins.
STEPS: dict[str, tuple[Any, str]] = {
    "fetch": (Bucket, "read"),
    "decode": (intake, "decode"),
    "merge": (Merge, "dedupe"),
    "write": (Writer, "_copy"),
    "upload": (Bucket, "write"),
    "gate": (checkpoint, "judge_stage"),
    "commit": (iceberg, "_commit"),
    "committed": (Ledger, "catch_up"),
    "ledger": (Ledger, "record"),
}


def die_at(step: str) -> None:
    """Let the process be killed as it calls the step's function."""
    owner, name = STEPS[step]
    original: Callable[..., Any] = getattr(owner, name)

    def die(*arguments: Any, **options: Any) -> Any:
        if step == "upload":
            # What is being uploaded is cut off in the lake's own terms: stored, and never spoken of.
            original(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, die)


def main() -> None:
    step, path, period = sys.argv[1:]
    dataset = load_dataset(Path(path))
    die_at(step)
    arrival = PeriodRange.parse(period, dataset.raw.arrival_period)
    Pipeline(Lake.from_environment(), dataset).run(arrival, "dying")


if __name__ == "__main__":
    main()
