"""Runs belong to whole arrival periods, whatever the cron expression says."""

from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.timetables.base import TimeRestriction
from firelake.periods import Grain, Period
from firelake_airflow.timetable import ArrivalPeriodTimetable
from hypothesis import given
from hypothesis import strategies as st

CRONS = {Grain.DAY: "15 0 * * *", Grain.HOUR: "15 * * * *"}
grains = st.sampled_from(Grain)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(grains, instants, st.integers(0, 40))
def test_a_backfill_covers_its_first_and_last_period(grain: Grain, instant: datetime, periods: int) -> None:
    first = Period.containing(instant, grain)
    last = first.start + periods * grain.length
    infos = list(
        ArrivalPeriodTimetable(CRONS[grain], grain).iter_partition_dagrun_infos(
            earliest=first.start, latest=last
        )
    )
    keys = [Period(first.start + number * grain.length, grain).key for number in range(periods + 1)]
    assert [info.partition_key for info in infos] == keys
    assert all(info.run_after == info.partition_date + grain.length for info in infos)


@given(grains, instants)
def test_a_tick_runs_the_period_that_ended_last(grain: Grain, instant: datetime) -> None:
    timetable = ArrivalPeriodTimetable(CRONS[grain], grain)
    info = timetable.next_dagrun_info_v2(
        last_dagrun_info=None,
        restriction=TimeRestriction(earliest=pendulum.instance(instant), latest=None, catchup=True),
    )
    assert info is not None
    period = Period.parse(str(info.partition_key), grain)
    assert info.partition_date == period.start
    assert period.end <= info.run_after < period.end + grain.length
    assert info.run_after - instant <= grain.length


@given(grains, instants)
def test_a_key_names_the_date_a_backfill_gives_it(grain: Grain, instant: datetime) -> None:
    timetable = ArrivalPeriodTimetable(CRONS[grain], grain)
    start = Period.containing(instant, grain).start
    (info,) = timetable.iter_partition_dagrun_infos(earliest=start, latest=start)
    assert timetable.resolve_partition_date(info.partition_key) == info.partition_date == start


@pytest.mark.parametrize("grain", Grain)
def test_the_scheduler_reads_back_what_was_written(grain: Grain) -> None:
    timetable = ArrivalPeriodTimetable("20 5 * * *", grain)
    again = ArrivalPeriodTimetable.deserialize(timetable.serialize())
    assert again.serialize() == timetable.serialize()
    assert again.partitioned
    assert again.periodic


def test_the_first_run_waits_for_the_next_tick() -> None:
    timetable = ArrivalPeriodTimetable(CRONS[Grain.DAY], Grain.DAY)
    info = timetable.next_dagrun_info_v2(
        last_dagrun_info=None, restriction=TimeRestriction(earliest=None, latest=None, catchup=False)
    )
    assert info is not None
    assert timedelta() < info.run_after - datetime.now(UTC) <= timedelta(days=1)


@given(grains, st.booleans())
def test_what_a_backfill_has_run_is_not_run_again(grain: Grain, catchup: bool) -> None:
    timetable = ArrivalPeriodTimetable(CRONS[grain], grain)
    ended = Period.containing(datetime.now(UTC), grain).start - grain.length
    (backfilled,) = timetable.iter_partition_dagrun_infos(earliest=ended, latest=ended)
    info = timetable.next_dagrun_info_v2(
        last_dagrun_info=backfilled,
        restriction=TimeRestriction(earliest=None, latest=None, catchup=catchup),
    )
    assert info is not None
    assert info.partition_date == ended + grain.length
    assert info.run_after > datetime.now(UTC)
