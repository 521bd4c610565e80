"""How long senders, such as devices, were silent within a batch."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from firelake.quality.dialect import BATCH_VIEW
from firelake.quality.finding import MASK
from firelake.quality.result import RuleResult, Severity
from firelake.quality.series import Series
from firelake.spec.dataset import Gaps
from firelake.sql import identifier

_MAX_NAMED = 10


def gaps_rule(engine: sa.Engine, series: Series, gaps: Gaps, severity: Severity) -> RuleResult:
    """Judge the longest time between consecutive readings of each sender, in the batch view."""
    if series.event_time is None:
        raise ValueError(f"{series.table} has no event time, between whose values gaps could be")
    by, event_time = identifier(gaps.by), identifier(series.event_time)
    with engine.connect() as connection:
        senders = connection.exec_driver_sql(
            f"SELECT sender, epoch(max(gap)) FROM (SELECT {by} AS sender, {event_time} - "  # noqa: S608 (quoted)
            f"lag({event_time}) OVER (PARTITION BY {by} ORDER BY {event_time}) AS gap FROM {BATCH_VIEW}) "
            "GROUP BY sender ORDER BY 2 DESC NULLS LAST, sender"
        ).fetchall()
    limit = gaps.longest.total_seconds()
    silent = [(sender, seconds) for sender, seconds in senders if seconds is not None and seconds > limit]
    secret = series.column(gaps.by).pii
    return RuleResult(
        rule=f"time.gaps.{gaps.by}",
        type="gaps",
        column=gaps.by,
        severity=severity,
        description=f"No {gaps.by} is silent for longer than {gaps.longest} between two readings.",
        success=not silent,
        errored=False,
        rows_checked=None,
        rows_bad=None,
        observed=f"{len(silent)} of {len(senders)} were silent for longer",
        sample=tuple(
            f"{MASK if secret else sender}: {timedelta(seconds=round(seconds))}"
            for sender, seconds in silent[:_MAX_NAMED]
        ),
        seconds=0.0,
    )
