"""Pictures as numbers: what the templates draw as SVG, on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from firelake.insight.flows import Counts, PeriodFlow
from firelake.insight.gates import GateRun, RuleHistory
from firelake.quality.report import TrendPoint
from firelake.quality.report_view import Spark, sparkline

_SLOT = 10.0
_GAP = 2.0
_HEIGHT = 100.0
_MIN_SLOTS = 30
# What failed must be seen, however little it is of the whole.
_LEAST_SEEN = 4.0


@dataclass(frozen=True)
class Segment:
    """A part of a bar, as a rectangle."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One bar, with what it says when pointed at."""

    x: float
    width: float
    segments: tuple[Segment, ...]
    words: str


@dataclass(frozen=True)
class Bars:
    """A row of bars, the latest on the right.

    Parameters
    ----------
    highest
        What the tallest bar stands for.
    first, last
        What the first and the last bar are of.
    full
        Whether the first bar is at the left end.
    """

    width: float
    bars: tuple[Bar, ...]
    highest: int
    first: str
    last: str
    full: bool

    height: float = _HEIGHT

    @property
    def outlines(self) -> dict[str, str]:
        """All segments of a kind as one path, for small pictures of which a page has hundreds."""
        paths: dict[str, list[str]] = {}
        for bar in self.bars:
            for part in bar.segments:
                outline = f"M{bar.x:g} {part.y:g}h{bar.width:g}v{part.height:g}h-{bar.width:g}z"
                paths.setdefault(part.kind, []).append(outline)
        return {kind: "".join(outlines) for kind, outlines in paths.items()}


def flow_bars(periods: Sequence[PeriodFlow]) -> Bars | None:
    """Draw where records went, period by period; None if nothing arrived."""
    highest = max((period.counts.records_in for period in periods), default=0)
    if not highest:
        return None
    return _bars(
        [(_flow_segments(period.counts, highest), _flow_words(period)) for period in periods],
        highest,
        (periods[0].period, periods[-1].period),
    )


def gate_bars(latest_first: Sequence[GateRun], most: int = 60) -> Bars | None:
    """Draw the share of checks that held, run by run; None if there were none."""
    runs = list(reversed(latest_first[:most]))
    if not runs:
        return None
    return _bars(
        [(_gate_segments(run), _gate_words(run)) for run in runs],
        max(run.rules for run in runs),
        (f"{runs[0].evaluated_at:%Y-%m-%d}", f"{runs[-1].evaluated_at:%Y-%m-%d}"),
    )


def rule_spark(history: RuleHistory) -> Spark | None:
    """Draw what a rule observed, as the quality report does."""
    return sparkline(
        [
            TrendPoint(one.evaluated_at, one.observed_value, one.success)
            for one in history.outcomes
            if one.observed_value is not None
        ]
    )


def every_day(days: Sequence[PeriodFlow], until: date, longest: int) -> list[PeriodFlow]:
    """Return the last days, also those on which nothing arrived: as many as there is something to show of.

    Parameters
    ----------
    longest
        How many days at most; never fewer than a month.
    """
    known = {day.period: day for day in days}
    first = min(known, default=until.isoformat())
    wanted = [(until - timedelta(days=ago)).isoformat() for ago in reversed(range(longest))]
    shown = [day for day in wanted if day >= first or day in wanted[-_MIN_SLOTS:]]
    return [known.get(day) or PeriodFlow(period=day, counts=Counts()) for day in shown]


def _bars(drawn: Sequence[tuple[tuple[Segment, ...], str]], highest: int, ends: tuple[str, str]) -> Bars:
    slots = max(len(drawn), _MIN_SLOTS)
    left = slots - len(drawn)
    bars = tuple(
        Bar((left + number) * _SLOT + _GAP / 2, _SLOT - _GAP, segments, words)
        for number, (segments, words) in enumerate(drawn)
    )
    return Bars(slots * _SLOT, bars, highest, *ends, full=not left)


def _flow_segments(counts: Counts, highest: int) -> tuple[Segment, ...]:
    parts = [
        ("trusted", counts.trusted, 0.0),
        ("duplicates", counts.duplicates, 0.0),
        ("quarantined", counts.quarantined, _LEAST_SEEN / 2),
    ]
    return _stacked([(kind, _HEIGHT * records / highest, least) for kind, records, least in parts])


def _gate_segments(run: GateRun) -> tuple[Segment, ...]:
    parts = [
        ("held", run.held, 0.0),
        ("warned", run.remarks, _LEAST_SEEN),
        ("block", run.blocking, 2 * _LEAST_SEEN),
    ]
    return _stacked([(kind, _HEIGHT * checks / run.rules, least) for kind, checks, least in parts])


def _stacked(parts: Sequence[tuple[str, float, float]]) -> tuple[Segment, ...]:
    """Pile parts up from the bottom; those that are there at all are seen, at the cost of the largest."""
    heights = [max(height, least) if height else 0.0 for _, height, least in parts]
    heights[heights.index(max(heights))] -= max(0.0, sum(heights) - _HEIGHT)
    segments, y = [], _HEIGHT
    for (kind, _, _), height in zip(parts, heights, strict=True):
        y -= height
        if height:
            segments.append(Segment(kind, round(max(y, 0.0), 2), round(height, 2)))
    return tuple(segments)


def _flow_words(period: PeriodFlow) -> str:
    counts = period.counts
    return (
        f"{period.period}: {counts.records_in:,} records = {counts.trusted:,} trusted + "
        f"{counts.duplicates:,} duplicates + {counts.quarantined:,} quarantined"
    )


def _gate_words(run: GateRun) -> str:
    when = f"{run.evaluated_at:%Y-%m-%d %H:%M} UTC"
    return f"{when}: {run.held} of {run.rules} checks held, {run.blocking} blocked, {run.remarks} remarked"
