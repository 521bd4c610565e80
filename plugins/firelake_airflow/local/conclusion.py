"""How a demo ends: its outcome written down, shown, and judged."""

from __future__ import annotations

import sys
from pathlib import Path

from firelake_airflow.local.outcome import DemoOutcome
from firelake_airflow.local.table import render


def conclude(outcome: DemoOutcome, path: Path) -> bool:
    """Show an outcome and write it to ``path``; tell whether it is as it should be.

    An outcome that ``path`` holds from an earlier demo is compared with it first.
    """
    before = DemoOutcome.model_validate_json(path.read_bytes()) if path.exists() else None
    path.write_text(outcome.model_dump_json(indent=2) + "\n", encoding="utf-8")
    print(render(outcome))
    problems = outcome.problems(before)
    for problem in problems:
        print(f"WRONG: {problem}", file=sys.stderr)
    if not problems:
        print(f"\nEverything balances and equals what was sent, in {outcome.seconds} s; all in {path}")
    return not problems
