"""What the gate says of a stage."""

from __future__ import annotations

from collections import Counter
from typing import Any

from firelake.outcome import Outcome
from firelake.quality.result import GateResult


class Verdict(Outcome):
    """What the gate says of a stage: one result for each partition it would replace."""

    table: str
    run_id: str
    results: tuple[GateResult, ...]
    report_uri: str

    @property
    def passed(self) -> bool:
        """Whether the stage may be published."""
        return all(result.passed for result in self.results)

    def summary(self) -> dict[str, Any]:
        """Return what people and other steps ask for first."""
        held: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for result in self.results:
            held.update(result.count(success=True))
            failed.update(result.count(success=False))
        return {
            "passed": self.passed,
            "held": dict(held),
            "failed": dict(failed),
            "report_uri": self.report_uri,
        }
