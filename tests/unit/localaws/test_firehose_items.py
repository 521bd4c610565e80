"""Records on their way through Firehose: split, grouped by partition keys, dated."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.firehose import timestamps
from localaws.firehose.deaggregation import DeAggregation, json_values
from localaws.firehose.items import PARTITIONS, Failure, Item
from localaws.firehose.partitioning import MOST_PARTITIONS, grouped, key_text
from localaws.firehose.spool import Record
from localaws.service import AwsError

START = datetime(2026, 11, 20, tzinfo=UTC)
KEY = "partitionKeyFromQuery:k"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
GAPS = st.text(alphabet=" \t\r\n", max_size=3)


def item(data: bytes, key: str = "") -> Item:
    return Item(Record(START, data), data, {KEY: key})


@given(values=st.lists(VALUES.map(lambda value: json.dumps({"v": value})), max_size=6), gap=GAPS)
def test_json_values_come_apart_as_they_were_written(values: list[str], gap: str) -> None:
    assert list(json_values(gap + gap.join(values))) == [value.encode() for value in values]


@given(parts=st.lists(st.binary(min_size=1).filter(lambda part: b"|" not in part), max_size=20))
def test_delimited_parts_come_apart_and_keep_their_arrival(parts: list[bytes]) -> None:
    split = list(DeAggregation(b"|")([item(b"|".join(parts))]))
    assert [outcome.source for outcome in split] == [Record(START, part) for part in parts]


def test_a_record_of_too_many_fails_whole() -> None:
    [failure] = DeAggregation(None)([item(b"{}" * 501)])
    assert isinstance(failure, Failure)
    assert failure.source.data == b"{}" * 501


def test_partitions_beyond_the_limit_fail_and_those_within_it_go_on() -> None:
    items = [item(b"%d" % number, f"p{number}") for number in range(MOST_PARTITIONS + 1)]
    groups, failures = grouped([*items, item(b"again", "p7")], (KEY,))
    assert len(groups) == MOST_PARTITIONS
    assert [each.data for each in groups[7]] == [b"7", b"again"]
    assert [(failure.source.data, failure.kind) for failure in failures] == [(b"500", PARTITIONS)]


@given(items=st.lists(st.tuples(st.binary(), st.sampled_from(["", "a", "b"])), max_size=20))
def test_grouping_loses_nothing_and_keeps_the_order(items: list[tuple[bytes, str]]) -> None:
    groups, failures = grouped([item(data, key) for data, key in items], (KEY,))
    for group in groups:
        key = group[0].keys[KEY]
        assert [each.data for each in group] == [data for data, each in items if each == key]
    assert [failure.source.data for failure in failures] == [data for data, key in items if not key]


def test_without_partition_keys_there_is_one_group() -> None:
    groups, failures = grouped([item(b"1"), item(b"2")], ())
    assert [[each.data for each in group] for group in groups] == [[b"1", b"2"]]
    assert failures == []


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1.5, "1.5"), (True, "true"), ("ä/b", "ä/b")])
def test_single_values_are_keys(value: object, text: str) -> None:
    assert key_text(value) == text


@pytest.mark.parametrize("value", [None, "", [], {"a": 1}])
def test_nothing_and_many_are_no_keys(value: object) -> None:
    with pytest.raises(ValueError, match="partitionKeys"):
        key_text(value)


MOMENTS = st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


@given(moment=MOMENTS)
def test_openx_reads_each_spelling_of_a_moment(moment: datetime) -> None:
    epoch_ms = round((moment - datetime(1970, 1, 1)).total_seconds() * 1000)
    spellings: list[object] = [
        f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}",
        epoch_ms,
        str(epoch_ms),
        f"{epoch_ms / 1000:.3f}",
    ]
    assert [timestamps.openx(spelling) for spelling in spellings] == [moment] * len(spellings)


@given(moment=MOMENTS)
def test_hive_reads_the_formats_it_was_given(moment: datetime) -> None:
    written = moment.strftime("%d/%m/%Y at %H:%M:%S") + f".{moment.microsecond // 1000:03d}"
    assert timestamps.hive(written, ("yyyy", "dd/MM/yyyy 'at' HH:mm:ss.SSS")) == moment


@pytest.mark.parametrize("value", ["soon", "", True, [1], "2026-13-01 00:00:00", 10**30])
def test_what_is_no_timestamp_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"timestamp|month"):
        timestamps.openx(value)


def test_an_unknown_letter_of_a_format_is_named() -> None:
    with pytest.raises(AwsError, match="'ww'"):
        timestamps.check_format("yyyy-ww")
