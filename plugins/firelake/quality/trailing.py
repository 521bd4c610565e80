"""Checks across time: whether a batch is like those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from firelake.quality.result import GateResult, RuleResult, Severity

MIN_HISTORY = 7
MAX_ROBUST_Z = 3.5

# What makes the deviations of a normal distribution comparable with its standard deviation.
_MAD_SCALE = 0.6745
_MEAN_DEVIATION_SCALE = 1.253314


def robust_z_score(value: float, history: Sequence[float]) -> float:
    """Return how far a value lies from the median of others, by their median absolute deviation.

    Where more than half of the others are equal, their mean absolute deviation is the measure;
    where all are, any other value is infinitely far.
    """
    middle = median(history)
    deviations = [abs(one - middle) for one in history]
    distance = value - middle
    if spread := median(deviations):
        return _MAD_SCALE * distance / spread
    if spread := fmean(deviations):
        return distance / (_MEAN_DEVIATION_SCALE * spread)
    return math.copysign(math.inf, distance) if distance else 0.0


def row_count_rule(rows: int, history: Sequence[int], severity: Severity = Severity.WARNING) -> RuleResult:
    """Judge a batch's number of rows by those of earlier ones.

    Parameters
    ----------
    history
        Rows of comparable partitions, such as the same weekday of the trailing weeks. With fewer than
        :data:`MIN_HISTORY` the rule holds and says so.
    """
    score = robust_z_score(rows, history) if len(history) >= MIN_HISTORY else None
    success = score is None or abs(score) <= MAX_ROBUST_Z
    return RuleResult(
        rule="time.row_count",
        type="robust_z_score",
        column=None,
        severity=severity,
        description=f"The number of rows is within {MAX_ROBUST_Z} robust deviations of what is usual.",
        success=success,
        errored=False,
        rows_checked=rows,
        rows_bad=None,
        observed=_observed(rows, history, score),
        sample=(),
        seconds=0.0,
    )


def with_rules(result: GateResult, rules: Sequence[RuleResult]) -> GateResult:
    """Return a gate's result with further rules in it."""
    return result.model_copy(update={"rules": (*result.rules, *rules)})


def _observed(rows: int, history: Sequence[int], score: float | None) -> str:
    if score is None:
        return f"{rows:,} rows; {len(history)} of {MIN_HISTORY} earlier counts needed to judge that"
    return f"{rows:,} rows; usual are {median(history):,.0f} (robust z-score {score:+.1f})"
