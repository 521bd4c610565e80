"""A table's batches over time: each is profiled, compared with those before it, and kept if it passed."""

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
from firelake.periods import Grain, Period
from firelake.quality.gate import GateSubject
from firelake.quality.profile import TIME_COLUMN, BatchProfile
from firelake.quality.result import GateResult, RuleResult
from firelake.quality.series import Series
from firelake.quality.trailing import MIN_HISTORY, Comparison, trailing_rules, with_rules
from firelake.spec.dataset import Trailing
from firelake.tables import COLUMN_PROFILES

_SPAN = timedelta(days=120)
_MAX_SAME_SLOT = 12
_MAX_ANY_SLOT = 28


@dataclass(frozen=True)
class Timeline:
    """The batches of one table, in one lake."""

    lake: Lake
    series: Series

    def compare(
        self, subject: GateSubject, result: GateResult, *, complete: bool
    ) -> tuple[GateResult, BatchProfile | None]:
        """Add the rules across time to a partition's result; return its profile too.

        Parameters
        ----------
        complete
            Whether all that belongs to the partition should be there. One that is still filling up is
            profiled, but not compared.

        Returns
        -------
        tuple
            The result with these rules, and what :meth:`keep` takes; no profile if nothing is compared.
        """
        options = self.series.options
        if options is None:
            return result, None
        started = time.perf_counter()
        profile, rules = self._profiled(subject, options)
        if complete:
            period = Period.parse(subject.partition, self.series.grain)
            comparison = Comparison(profile, self._comparable(period), options.severity)
            rules = (*trailing_rules(comparison, options, self.series.event_time), *rules)
        else:
            rules = ()
        seconds = time.perf_counter() - started
        timed = [rule.model_copy(update={"seconds": seconds / len(rules)}) for rule in rules]
        judged = with_rules(result, timed)
        return judged.model_copy(update={"seconds": result.seconds + seconds}), profile

    def keep(self, profiles: Iterable[BatchProfile | None], run_id: str) -> None:
        """Remember batches that passed, for later ones to be compared with."""
        rows = [profile.table(self.series.table, run_id) for profile in profiles if profile is not None]
        if rows:
            iceberg.append(COLUMN_PROFILES.load(self.lake), pa.concat_tables(rows))

    def _profiled(
        self, subject: GateSubject, options: Trailing
    ) -> tuple[BatchProfile, tuple[RuleResult, ...]]:
        # SQLAlchemy and DuckDB load when a gate runs, not when its caller is read.
        from firelake.quality.dialect import batch_engine
        from firelake.quality.gaps import gaps_rule
        from firelake.quality.profiling import profile_batch

        with batch_engine(subject.files, subject.columns) as engine:
            profile = profile_batch(engine, self.series, subject.partition)
            if options.gaps is None:
                return profile, ()
            return profile, (gaps_rule(engine, self.series, options.gaps, options.severity),)

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
                EqualTo(term="table_name", value=self.series.table),
                LessThan(term="partition_key", value=period.key),
                GreaterThanOrEqual(term=TIME_COLUMN, value=since),
            )
        )
        rows: list[dict[str, Any]] = iceberg.rows(scan).to_pylist()
        return sorted(rows, key=lambda row: (row[TIME_COLUMN], row["run_id"]))

    def _period(self, key: str) -> Period:
        return Period.parse(key, self.series.grain)


def _slot(period: Period) -> int:
    """Return what of a period's time comes back: the hour of the day, or the day of the week."""
    return period.start.hour if period.grain is Grain.HOUR else period.start.weekday()
