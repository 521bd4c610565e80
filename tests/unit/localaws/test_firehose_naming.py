"""Keys of delivered objects: Java's date patterns, default folders, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.firehose import naming
from localaws.firehose.naming import Surroundings
from localaws.service import AwsError

AT = datetime(2026, 3, 7, 5, 4, 9, 123000, tzinfo=UTC)
TIMES = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy/MM/dd/HH", "2026/03/07/05"),
        ("yy-M-d", "26-3-7"),
        ("'dt='yyyyMMdd", "dt=20260307"),
        ("DDD", "066"),
        ("HH:mm:ss.SSS", "05:04:09.123"),
        ("MMM", "Mar"),
        ("yyyy''MM", "2026'03"),
    ],
)
def test_java_patterns(pattern: str, expected: str) -> None:
    assert naming.java_format(pattern, AT) == expected


@given(at=TIMES)
def test_default_folders_are_the_hour_of_the_oldest_record(at: datetime) -> None:
    key = naming.evaluate(naming.data_prefix("raw/"), Surroundings(at, "seed"))
    assert key == f"raw/{at:%Y/%m/%d/%H}/"


@given(seed=st.uuids().map(str))
def test_a_delivery_that_is_tried_again_has_the_same_key(seed: str) -> None:
    prefix = "x/!{firehose:random-string}/!{firehose:random-string}/"
    first, second = (naming.evaluate(prefix, Surroundings(AT, seed)) for _ in range(2))
    assert first == second
    parts = re.fullmatch(r"x/([A-Za-z0-9]{11})/([A-Za-z0-9]{11})/", first)
    assert parts is not None
    assert parts[1] != parts[2]


@pytest.mark.parametrize(
    ("prefix", "error_prefix", "expected"),
    [
        ("raw/", "", "raw/processing-failed/2026/03/07/05/"),
        ("raw/", "errors/", "errors/processing-failed/2026/03/07/05/"),
        ("raw/", "e/!{firehose:error-output-type}/!{timestamp:yyyy}/", "e/processing-failed/2026/"),
    ],
)
def test_error_prefixes(prefix: str, error_prefix: str, expected: str) -> None:
    found = naming.failure_prefix(prefix, error_prefix)
    assert naming.evaluate(found, Surroundings(AT, "seed", "processing-failed")) == expected


@pytest.mark.parametrize(
    ("prefix", "error_prefix"),
    [
        ("!{timestamp:QQ}/", "e/"),
        ("!{nothing:x}/", "e/"),
        ("!{timestamp:}/", "e/"),
        ("!{timestamp:yyyy}/", ""),
        ("!{firehose:error-output-type}/", "e/"),
        ("", "!{timestamp:yyyy}/"),
    ],
)
def test_what_aws_refuses_is_refused(prefix: str, error_prefix: str) -> None:
    with pytest.raises(AwsError, match=r"must contain|may not|needed|not an expression|not supported"):
        naming.check_prefixes(prefix, error_prefix)
