"""A dataset's batches over time: each is profiled, compared with those before it, and kept if it passed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan

from firelake import iceberg
from firelake.layout import Lake
from firelake.outcome import Stage
from firelake.periods import Grain, Period, PeriodRange
from firelake.quality.gate import GateSubject
from firelake.quality.profile import TIME_COLUMN, BatchProfile
from firelake.quality.result import GateResult, RuleResult
from firelake.quality.trailing import MIN_HISTORY, Comparison, trailing_rules, with_rules
from firelake.spec import Dataset
from firelake.tables import COLUMN_PROFILES

_SPAN = timedelta(days=120)
_MAX_SAME_SLOT = 12
_MAX_ANY_SLOT = 28


@dataclass(frozen=True)
class Timeline:
    """The batches of one dataset."""

    lake: Lake
    dataset: Dataset

    def compare(
        self, subject: GateSubject, result: GateResult, arrival: PeriodRange
    ) -> tuple[GateResult, BatchProfile]:
        """Add the rules across time to a partition's result; return its profile too.

        A partition that the arrival periods do not cover to its end is still filling up: it is
        profiled, but not compared.
        """
        started = time.perf_counter()
        profile, rules = self._profiled(subject)
        period = Period.parse(subject.partition, self.dataset.partition_by)
        if period.end <= arrival.end:
            options = self.dataset.quality.trailing
            comparison = Comparison(profile, self._comparable(period), options.severity)
            rules = (*trailing_rules(comparison, options, self.dataset.event_time), *rules)
        else:
            rules = ()
        seconds = time.perf_counter() - started
        timed = [rule.model_copy(update={"seconds": seconds / len(rules)}) for rule in rules]
        judged = with_rules(result, timed)
        return judged.model_copy(update={"seconds": result.seconds + seconds}), profile

    def keep(self, profiles: Iterable[BatchProfile], stage: Stage) -> None:
        """Remember batches that passed, for later ones to be compared with."""
        rows = [profile.table(stage.dataset, stage.run_id) for profile in profiles]
        if rows:
            iceberg.append(COLUMN_PROFILES.load(self.lake), pa.concat_tables(rows))

    def _profiled(self, subject: GateSubject) -> tuple[BatchProfile, tuple[RuleResult, ...]]:
        # SQLAlchemy and DuckDB load when a gate runs, not when its caller is read.
        from firelake.quality.dialect import batch_engine
        from firelake.quality.gaps import gaps_rule
        from firelake.quality.profiling import profile_batch

        options = self.dataset.quality.trailing
        with batch_engine(subject.files, subject.columns) as engine:
            profile = profile_batch(engine, self.dataset, subject.partition)
            if options.gaps is None:
                return profile, ()
            return profile, (gaps_rule(engine, self.dataset, options.gaps, options.severity),)

    def _comparable(self, period: Period) -> list[BatchProfile]:
        """Return earlier partitions' profiles: of the same weekday or hour, if there are enough."""
        latest: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows_before(period):
            rows = latest.setdefault(row["partition_key"], [])
            if rows and rows[0]["run_id"] != row["run_id"]:
                rows.clear()
            rows.append(row)
        found = [BatchProfile.of_rows(key, rows) for key, rows in sorted(latest.items())]
        same = [one for one in found if _slot(self._period(one.partition)) == _slot(period)]
        return same[-_MAX_SAME_SLOT:] if len(same) >= MIN_HISTORY else found[-_MAX_ANY_SLOT:]

    def _rows_before(self, period: Period) -> list[dict[str, Any]]:
        since = (datetime.now(UTC) - _SPAN).replace(tzinfo=None).isoformat()
        scan = COLUMN_PROFILES.load(self.lake).scan(
            row_filter=And(
                EqualTo(term="table_name", value=self.dataset.name),
                LessThan(term="partition_key", value=period.key),
                GreaterThanOrEqual(term=TIME_COLUMN, value=since),
            )
        )
        rows: list[dict[str, Any]] = scan.to_arrow().to_pylist()
        return sorted(rows, key=lambda row: (row[TIME_COLUMN], row["run_id"]))

    def _period(self, key: str) -> Period:
        return Period.parse(key, self.dataset.partition_by)


def _slot(period: Period) -> int:
    """Return what of a period's time comes back: the hour of the day, or the day of the week."""
    return period.start.hour if period.grain is Grain.HOUR else period.start.weekday()
