"""Checks across time: whether a batch is like those before it. With little history they hold and say so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any

from firelake.quality.profile import MAX_VALUES, STEPS, BatchProfile
from firelake.quality.result import GateResult, RuleResult, Severity
from firelake.spec.dataset import Trailing, TrailingCheck

MIN_HISTORY = 7
MAX_ROBUST_Z = 3.5
MAX_PSI = 0.2

# What makes the deviations of a normal distribution comparable with its standard deviation.
_MAD_SCALE = 0.6745
_MEAN_DEVIATION_SCALE = 1.253314
# Steady sources hardly vary: what is unusual must also be much.
_MIN_ROW_COUNT_CHANGE = 0.1
_MIN_HOURLY_FACTOR = 2
_MIN_NULL_RATE_CHANGE = 0.01
_LEAST_SHARE = 1e-4
_MAX_NAMED = 10


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


def stability_index(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Return the population stability index of two lists of shares; an empty share counts as very small."""
    pairs = [(max(e, _LEAST_SHARE), max(a, _LEAST_SHARE)) for e, a in zip(expected, actual, strict=True)]
    return sum((a - e) * math.log(a / e) for e, a in pairs)


@dataclass(frozen=True)
class Comparison:
    """A batch and comparable ones before it.

    Parameters
    ----------
    past
        Of earlier partitions, such as the same weekday of the trailing weeks.
    """

    batch: BatchProfile
    past: Sequence[BatchProfile]
    severity: Severity = Severity.WARNING

    @property
    def judgeable(self) -> bool:
        """Whether there is enough history to judge by."""
        return len(self.past) >= MIN_HISTORY

    def rule(self, name: str, success: bool, **found: Any) -> RuleResult:
        """Return a check's result."""
        check, _, column = name.partition(".")
        unknown = {"rows_bad": None, "sample": (), "rows_checked": self.batch.rows}
        return RuleResult.model_validate(
            {
                "rule": f"time.{name}",
                "type": check,
                "column": column or None,
                "severity": self.severity,
                "success": success,
                "errored": False,
                "seconds": 0.0,
                **unknown,
                **found,
            }
        )

    def about(self, column: str) -> Comparison:
        """Leave out the batches from before a column was declared."""
        return replace(self, past=[one for one in self.past if column in one.columns])


def trailing_rules(
    comparison: Comparison, options: Trailing, event_time: str | None
) -> tuple[RuleResult, ...]:
    """Judge a batch by those before it, as its table's declaration says."""
    if not comparison.judgeable:
        observed = f"{len(comparison.past)} of {MIN_HISTORY} earlier partitions needed to judge that"
        description = "The batch is like those before it."
        return (comparison.rule("history", True, description=description, observed=observed),)
    columns = options.columns or tuple(name for name in comparison.batch.columns if name != event_time)
    per_column: dict[TrailingCheck, Callable[[Comparison, str], RuleResult | None]] = {
        TrailingCheck.NULL_RATE: null_rate_rule,
        TrailingCheck.DISTRIBUTION: distribution_rule,
        TrailingCheck.NEW_VALUES: new_values_rule,
    }

    def judged() -> Iterator[RuleResult | None]:
        for check in dict.fromkeys(options.checks):
            if check is TrailingCheck.ROW_COUNT:
                yield row_count_rule(comparison)
            elif check is TrailingCheck.HOURLY_VOLUME:
                yield None if event_time is None else hourly_volume_rule(comparison, event_time)
            else:
                known = ((name, comparison.about(name)) for name in columns)
                yield from (per_column[check](past, name) for name, past in known if past.judgeable)

    return tuple(rule for rule in judged() if rule is not None)


def row_count_rule(comparison: Comparison) -> RuleResult:
    """Judge a batch's number of rows."""
    description = "The number of rows is about what is usual."
    rows, history = comparison.batch.rows, [one.rows for one in comparison.past]
    score = robust_z_score(rows, history)
    much = abs(rows - median(history)) > _MIN_ROW_COUNT_CHANGE * median(history)
    return comparison.rule(
        "row_count",
        not (much and abs(score) > MAX_ROBUST_Z),
        description=description,
        observed=f"{rows:,} rows; usual are {median(history):,.0f} (robust z-score {score:+.1f})",
    )


def hourly_volume_rule(comparison: Comparison, event_time: str) -> RuleResult | None:
    """Judge the rows of each hour of the day; None where there is one hour only."""
    batch, *past = (_hours(one, event_time) for one in (comparison.batch, *comparison.past))
    hours = {hour for one in (batch, *past) for hour in one}
    if len(hours) < 2:
        return None
    description = "No hour has far more or fewer rows than is usual at that time of the day."
    unusual = [
        f"{int(hour):02d}:00: {batch.get(hour, 0):,} rows, usual are {median(usual):,.0f}"
        for hour in sorted(hours, key=int)
        if _unusual_volume(batch.get(hour, 0), usual := [one.get(hour, 0) for one in past])
    ]
    return comparison.rule(
        "hourly_volume",
        not unusual,
        description=description,
        observed=f"{len(unusual)} of {len(hours)} hours are unusual",
        sample=unusual[:_MAX_NAMED],
    )


def null_rate_rule(comparison: Comparison, column: str) -> RuleResult:
    """Judge the share of rows without a value."""
    description = f"As many rows lack {column} as is usual."
    nulls = comparison.batch.columns[column].nulls
    rate = nulls / comparison.batch.rows if comparison.batch.rows else 0.0
    history = [one.columns[column].nulls / one.rows if one.rows else 0.0 for one in comparison.past]
    change = rate - median(history)
    unusual = abs(robust_z_score(rate, history)) > MAX_ROBUST_Z and abs(change) > _MIN_NULL_RATE_CHANGE
    return comparison.rule(
        f"null_rate.{column}",
        not unusual,
        description=description,
        observed=f"{rate:.2%} of rows; usual are {median(history):.2%}",
    )


def distribution_rule(comparison: Comparison, column: str) -> RuleResult | None:
    """Judge the shape of a column's values by the population stability index; None if it has none."""
    shares = _shares(comparison, column)
    if shares is None:
        return None
    description = f"The values of {column} are distributed as is usual."
    index = stability_index(shares.expected, shares.actual)
    # Where days differ anyway, a shift is what none of them was.
    allowed = max(MAX_PSI, *(stability_index(shares.expected, one) for one in shares.earlier))
    return comparison.rule(
        f"distribution.{column}",
        index <= allowed,
        description=description,
        observed=f"population stability index {index:.3f}; up to {allowed:.3f} is usual",
    )


def new_values_rule(comparison: Comparison, column: str) -> RuleResult | None:
    """Name values that no earlier batch had, where there were few different ones; None where not."""
    known = [one.columns[column].values for one in comparison.past]
    values = comparison.batch.columns[column].values
    if None in known:
        return None
    description = f"{column} has no values that it never had before."
    seen = {value for one in known if one is not None for value in one}
    if values is None:
        return comparison.rule(
            f"new_values.{column}",
            False,
            description=description,
            observed=f"more than {MAX_VALUES} different values; until now there were {len(seen)}",
        )
    new = {value: count for value, count in values.items() if value not in seen}
    return comparison.rule(
        f"new_values.{column}",
        not new,
        description=description,
        rows_bad=sum(new.values()),
        observed=f"{len(new)} new values",
        sample=tuple(new)[:_MAX_NAMED],
    )


def with_rules(result: GateResult, rules: Sequence[RuleResult]) -> GateResult:
    """Return a gate's result with further rules in it."""
    return result.model_copy(update={"rules": (*result.rules, *rules)})


def _hours(profile: BatchProfile, event_time: str) -> Mapping[str, int]:
    shape = profile.columns.get(event_time)
    return (shape.values if shape else None) or {}


def _unusual_volume(rows: int, usual: Sequence[int]) -> bool:
    middle = median(usual)
    much = not middle / _MIN_HOURLY_FACTOR <= rows <= middle * _MIN_HOURLY_FACTOR
    return much and abs(robust_z_score(rows, usual)) > MAX_ROBUST_Z


@dataclass(frozen=True)
class _Shares:
    """How rows are divided among the bins of a column: usually, in the batch, in each earlier batch."""

    actual: list[float]
    earlier: list[list[float]]

    @property
    def expected(self) -> list[float]:
        return [fmean(shares) for shares in zip(*self.earlier, strict=True)]


def _shares(comparison: Comparison, column: str) -> _Shares | None:
    """Bin a column by its values if it has few in all batches, else by its usual deciles."""
    shapes = [one.columns[column] for one in (comparison.batch, *comparison.past)]
    counted = [shape.values for shape in shapes if shape.values]
    if len(counted) == len(shapes):
        names = sorted({value for one in counted for value in one})
        actual, *earlier = ([one.get(name, 0) / sum(one.values()) for name in names] for one in counted)
        return _Shares(actual, earlier)
    quantiles = [shape.quantiles for shape in shapes if shape.quantiles]
    if len(quantiles) < len(shapes):
        return None
    usual = [median(step) for step in zip(*quantiles[1:], strict=True)]
    edges = list(dict.fromkeys(usual[2:-1:2]))
    actual, *earlier = (list(_binned(one, edges)) for one in quantiles)
    return _Shares(actual, earlier)


def _binned(quantiles: Sequence[float], edges: Sequence[float]) -> Iterator[float]:
    """Yield the share of values up to each edge from the one before it, and above the last."""
    below = 0.0
    for share in (*(_share_up_to(quantiles, edge) for edge in edges), 1.0):
        yield max(0.0, share - below)
        below = max(below, share)


def _share_up_to(quantiles: Sequence[float], edge: float) -> float:
    """Return what share of values is at most ``edge``, read off the line through the quantiles."""
    if edge < quantiles[0]:
        return 0.0
    for step in reversed(range(STEPS)):
        low, high = quantiles[step], quantiles[step + 1]
        if edge >= high:
            return (step + 1) / STEPS
        if edge >= low:
            return (step + (edge - low) / (high - low)) / STEPS
    return 0.0
