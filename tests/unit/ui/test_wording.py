"""Lengths of time and amounts as people read them."""

from datetime import timedelta

import pytest
from firelake_airflow.ui.wording import money, or_dash, size_or_dash, span


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=61), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=20, minutes=46, seconds=9), "20 h 46 min"),
        (timedelta(hours=26), "26 h"),
        (timedelta(hours=48), "2 d"),
        (timedelta(hours=50, minutes=3), "2 d 2 h"),
        (timedelta(days=400, minutes=3), "400 d"),
    ],
)
def test_a_length_of_time_has_one_or_two_units(length: timedelta, words: str) -> None:
    assert span(length) == words


def test_amounts_are_never_rounded_to_nothing() -> None:
    assert [money(amount) for amount in (0.0, 0.001, 0.01, 1234.5)] == [
        "0.00",
        "< 0.01",
        "0.01",
        "1\u202f234.50",
    ]


def test_what_is_not_known_is_a_dash() -> None:
    assert {money(None), or_dash(None), size_or_dash(None)} == {"\N{EN DASH}"}
    assert (or_dash(1234), size_or_dash(1536)) == ("1\u202f234", "1.5 KiB")
