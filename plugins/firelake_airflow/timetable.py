"""When a pipeline runs, and for which arrival period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.timetables.trigger import CronPartitionTimetable
from firelake.periods import Grain, Period
from pendulum import instance


class ArrivalPeriodTimetable(CronPartitionTimetable):
    """Run when a cron expression says so, for the arrival period that ended last.

    Airflow's ``CronPartitionTimetable`` dates a partition by the cron's ticks. With a cron at 00:15 a
    backfill up to a day, which means that day's midnight, would leave the day out, and would not know
    the runs that were started by key. Here a partition is dated by the start of its period.

    Parameters
    ----------
    cron
        When to run, UTC.
    grain
        Length of an arrival period.
    """

    def __init__(self, cron: str, grain: Grain) -> None:
        super().__init__(cron, timezone="UTC", key_format=grain.key_format)
        self._grain = grain

    @property
    def cron(self) -> str:
        """When the timetable runs."""
        return str(self._expression)

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        """Return the timetable that :meth:`serialize` described."""
        return cls(data["cron"], Grain(data["grain"]))

    def serialize(self) -> dict[str, Any]:
        """Describe the timetable in JSON, as the scheduler keeps it."""
        return {"cron": self._expression, "grain": str(self._grain)}

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return when the next run starts, and the period it is for."""
        last = last_dagrun_info
        if last is not None and last.partition_date is not None:
            # A backfill may have run the period that the latest tick is for; it needs no second run.
            end = Period.containing(last.partition_date, self._grain).end
            last = last._replace(run_after=self._align_to_next(instance(end)))
        tick = super().next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction)
        if tick is None:
            return None
        current = Period.containing(tick.run_after, self._grain)
        period = Period(current.start - self._grain.length, self._grain)
        return tick._replace(partition_date=instance(period.start), partition_key=period.key)

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterable[DagRunInfo]:
        """Yield a backfill's runs: every period that starts between the two instants, both included."""
        period = Period.containing(earliest, self._grain)
        while period.start <= latest:
            if period.start >= earliest:
                yield DagRunInfo(
                    # A period that has not ended yet is not complete: its run waits for the end.
                    run_after=instance(period.end),
                    data_interval=None,
                    partition_date=instance(period.start),
                    partition_key=period.key,
                )
            period = Period(period.end, self._grain)
