"""What the gate found, rule by rule."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import Any

from firelake.outcome import Outcome


class Severity(StrEnum):
    """How much a failed rule matters: critical blocks publishing, the others are reported."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class RuleResult(Outcome):
    """One expectation's outcome.

    Parameters
    ----------
    errored
        The check itself failed; that counts as a critical failure whatever the severity.
    rows_bad
        Failing rows, for rules about rows; None for rules about the whole table.
    sample
        Some failing values.
    """

    rule: str
    type: str
    column: str | None
    severity: Severity
    description: str
    success: bool
    errored: bool
    rows_checked: int | None
    rows_bad: int | None
    observed: str
    sample: tuple[Any, ...]
    seconds: float


class GateResult(Outcome):
    """All rules' outcomes for one batch.

    Parameters
    ----------
    partition
        The partition it would replace; of rules about a whole run, the run's arrival periods.
    of_run
        Whether the rules are about a whole run.
    """

    table: str
    partition: str
    run_id: str
    suite: str
    evaluated_at: datetime
    rules: tuple[RuleResult, ...]
    seconds: float
    of_run: bool = False

    @property
    def name(self) -> str:
        """What tells it from the other results of its run."""
        return "run" if self.of_run else self.partition

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that did not hold, most severe first."""
        order = list(Severity)
        failing = (rule for rule in self.rules if not rule.success)
        return tuple(sorted(failing, key=lambda rule: order.index(rule.severity)))

    @property
    def blocking(self) -> tuple[RuleResult, ...]:
        """The rules that forbid publishing."""
        return tuple(rule for rule in self.failed if rule.errored or rule.severity is Severity.CRITICAL)

    @property
    def passed(self) -> bool:
        """Whether the batch may be published; a gate without rules has let nothing pass."""
        return bool(self.rules) and not self.blocking

    def count(self, *, success: bool) -> dict[str, int]:
        """Return how many rules held (or did not), by severity."""
        counts = Counter(rule.severity for rule in self.rules if rule.success is success)
        return {str(severity): counts[severity] for severity in Severity}
