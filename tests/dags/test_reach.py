"""A change reaches every partition of a summary that is made of it, also after Airflow has stored the DAG."""

from datetime import UTC, datetime

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.decoders import decode_partition_mapper
from airflow.serialization.encoders import encode_partition_mapper
from firelake.periods import Grain, Period
from firelake.summary.spec import load_summaries
from firelake_airflow.reach import ReachMapper
from hypothesis import given
from hypothesis import strategies as st

places = st.lists(st.integers(-8, 8), min_size=1, unique=True).map(sorted)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(st.sampled_from(Grain), instants, places, st.integers(-10, 10))
def test_a_partition_is_rebuilt_if_and_only_if_it_reads_what_changed(
    grain: Grain, instant: datetime, reads: list[int], other: int
) -> None:
    changed = Period.containing(instant, grain)
    keys = ReachMapper(grain, grain, reads).to_downstream(changed.key)
    assert keys == sorted(keys)
    partition = changed.moved(other)
    read = {partition.moved(place).key for place in reads}
    assert (partition.key in keys) == (changed.key in read)


def test_an_hour_of_a_source_changes_days_of_a_summary() -> None:
    mapper = ReachMapper(Grain.HOUR, Grain.DAY, (-1, 0))
    assert mapper.to_downstream("2026-11-19T23") == ["2026-11-19", "2026-11-20"]
    assert mapper.to_partition_date("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)


def test_airflow_keeps_the_mapper_whole() -> None:
    mapper = ReachMapper(Grain.HOUR, Grain.DAY, (-7, 0))
    again = decode_partition_mapper(encode_partition_mapper(mapper))
    assert isinstance(again, ReachMapper)
    assert again.serialize() == mapper.serialize()
    assert again.to_downstream("2026-11-19T23") == mapper.to_downstream("2026-11-19T23")


@pytest.mark.parametrize("summary", load_summaries(), ids=lambda summary: summary.table.name)
def test_every_summary_follows_as_it_declares(dag_bag: DagBag, summary) -> None:  # type: ignore[no-untyped-def]
    mappers = dag_bag.dags[f"{summary.table.name}__summary"].timetable.partition_mapper_config
    assert len(mappers) == len(summary.table.sources)
    changed = Period.parse("2026-11-19", Grain.DAY)
    wanted = [period.key for period in summary.table.partition.affected(changed)]
    for mapper in mappers.values():
        stored = decode_partition_mapper(encode_partition_mapper(mapper))
        keys = stored.to_downstream(changed.key)
        assert ([keys] if isinstance(keys, str) else keys) == wanted
