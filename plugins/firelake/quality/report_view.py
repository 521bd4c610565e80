"""What the report's template shows, worked out: words, shares and the points of its pictures."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from firelake.outcome import Accounting
from firelake.quality.result import GateResult, RuleResult, Severity
from firelake.quality.suite import RESERVED_PREFIX

if TYPE_CHECKING:
    from firelake.quality.report import TrendPoint

_EXCERPT = 400
_SPARK_WIDTH, _SPARK_HEIGHT, _SPARK_MARGIN = 96.0, 24.0, 3.0
_SPARK_POINTS = 30


@dataclass(frozen=True)
class Verdict:
    """The outcome in words."""

    passed: bool
    headline: str
    reason: str


@dataclass(frozen=True)
class Failure:
    """A rule that did not hold, and for which partition."""

    result: GateResult
    rule: RuleResult

    @property
    def order(self) -> tuple[bool, int, int]:
        """Blocking ones first, then by severity and by how many rows fail."""
        severity = list(Severity).index(self.rule.severity)
        return not self.blocks, severity, -(self.rule.rows_bad or 0)

    @property
    def blocks(self) -> bool:
        """Whether it forbids publishing."""
        return self.rule.errored or self.rule.severity is Severity.CRITICAL

    @property
    def bad_share(self) -> float:
        """The share of the checked rows that fail."""
        return (self.rule.rows_bad or 0) / self.rule.rows_checked if self.rule.rows_checked else 0.0

    @property
    def examples(self) -> list[str]:
        """The failing values, each once."""
        return list(dict.fromkeys(_example(value) for value in self.rule.sample))


@dataclass(frozen=True)
class Tally:
    """How many rules of one severity there are and held."""

    severity: str
    held: int
    failed: int


@dataclass(frozen=True)
class Portion:
    """Part of the records that came in.

    Parameters
    ----------
    kind
        ``trusted``, ``duplicates`` or ``quarantined``.
    offset, share
        Where it begins and how much it is, in percent of all records.
    """

    kind: str
    label: str
    records: int
    offset: float
    share: float


@dataclass(frozen=True)
class Flow:
    """Where all records of a run went."""

    accounting: Accounting
    portions: tuple[Portion, ...]
    reasons: tuple[Portion, ...]


@dataclass(frozen=True)
class Spark:
    """A rule's trend as the points of a line, the last one marked."""

    points: str
    last_x: float
    last_y: float
    words: str


def verdict(results: Sequence[GateResult]) -> Verdict:
    """Say whether the batch may be published, and why."""
    rules = [rule for result in results for rule in result.rules]
    blocking = {rule.rule for result in results for rule in result.blocking}
    reported = {rule.rule for result in results for rule in result.failed} - blocking
    if not all(result.passed for result in results) or not results:
        reason = f"{_rules(len(blocking))} failed that must hold" if blocking else "No rule was evaluated"
        return Verdict(
            False, "Blocked: nothing was published", f"{reason}. Readers still see what was there before."
        )
    if reported:
        reason = f"{_rules(len(reported))} failed that do not block; all critical rules held."
        return Verdict(True, "Passed, with remarks", reason)
    return Verdict(True, "Passed", f"All {grouped(len(rules))} checks held.")


def reading_order(rules: Sequence[RuleResult]) -> list[RuleResult]:
    """Order rules as people look for them: failed ones, then those people wrote, then derived ones."""
    return sorted(rules, key=lambda rule: (rule.success, rule.rule.startswith(RESERVED_PREFIX)))


def tallies(results: Sequence[GateResult]) -> list[Tally]:
    """Count the checks by severity."""
    held = [result.count(success=True) for result in results]
    failed = [result.count(success=False) for result in results]
    return [
        Tally(str(severity), sum(one[severity] for one in held), sum(one[severity] for one in failed))
        for severity in Severity
    ]


def flow(accounting: Accounting, *, published: bool) -> Flow:
    """Divide the records that came in by where they went; what is not published is held back."""
    quarantined = sorted(accounting.quarantined.items(), key=lambda item: (-item[1], item[0]))
    return Flow(
        accounting,
        _portions(
            [
                ("trusted", "trusted" if published else "held back", accounting.trusted_new),
                ("duplicates", "duplicates", accounting.duplicates),
                ("quarantined", "quarantined", accounting.records_quarantined),
            ],
            accounting.records_in,
        ),
        _portions([("quarantined", reason, n) for reason, n in quarantined], accounting.records_quarantined),
    )


def sparkline(points: Sequence[TrendPoint]) -> Spark | None:
    """Draw a rule's latest observations; None if there are fewer than two."""
    recent = points[-_SPARK_POINTS:]
    if len(recent) < 2:
        return None
    low, high = min(point.value for point in recent), max(point.value for point in recent)
    drawn_height, step = (
        _SPARK_HEIGHT - 2 * _SPARK_MARGIN,
        (_SPARK_WIDTH - 2 * _SPARK_MARGIN) / (len(recent) - 1),
    )
    places = [
        (
            _SPARK_MARGIN + index * step,
            _SPARK_MARGIN + drawn_height * (1 - ((point.value - low) / (high - low) if high > low else 0.5)),
        )
        for index, point in enumerate(recent)
    ]
    return Spark(
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places),
        last_x=places[-1][0],
        last_y=places[-1][1],
        words=f"last {len(recent)} runs: {low:g} to {high:g}, now {recent[-1].value:g}",
    )


def grouped(number: int) -> str:
    """Write a count with its thousands apart."""
    return f"{number:,}".replace(",", "\u202f")


def share(fraction: float) -> str:
    """Write a share as a percentage that is 0 or 100 only if nothing or everything is meant."""
    percent = 100 * fraction
    if 0 < percent < 0.01:
        return "< 0.01 %"
    if 99.99 < percent < 100:
        return "> 99.99 %"
    return f"{percent:.2f}".rstrip("0").rstrip(".") + " %"


def byte_size(size: int) -> str:
    """Write a size in the unit that suits it."""
    value, units = float(size), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"


def moment(instant: datetime) -> str:
    """Write a time to the second, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def observation(text: str) -> str:
    """Write what a check observed for people: numbers to six digits, lists and tables without brackets."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return visible(text)
    if isinstance(value, dict) and value.keys() == {"quantiles", "values"}:
        pairs = zip(value["quantiles"], value["values"], strict=True)
        return visible(", ".join(f"{_figure(quantile)}: {_figure(one)}" for quantile, one in pairs))
    parts = value if isinstance(value, list) else [value]
    return visible(", ".join(_figure(part) for part in parts))


def visible(text: str) -> str:
    """Shorten a text and make characters visible that would hide or rearrange what stands there."""
    short = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    return "".join(_escaped(character) for character in short)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return character
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"


def _example(value: Any) -> str:
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _rules(number: int) -> str:
    return "1 rule" if number == 1 else f"{grouped(number)} rules"


def _portions(parts: Sequence[tuple[str, str, int]], whole: int) -> tuple[Portion, ...]:
    portions: list[Portion] = []
    offset = 0.0
    for kind, label, records in parts:
        percent = 100 * records / whole if whole else 0.0
        portions.append(Portion(kind, label, records, offset, percent))
        offset += percent
    return tuple(portions)
