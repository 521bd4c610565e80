import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from firelake.periods import Grain, Period
from firelake.raw.keys import KeyLayout
from hypothesis import given
from hypothesis import strategies as st

DAY = Period.parse("2026-11-21", Grain.DAY)
HOUR = Period.parse("2026-11-21T14", Grain.HOUR)
UUID = "0a1b2c3d-0000-4000-8000-00000000000f"


@dataclass
class Store:
    """Keys, and what was asked about them."""

    keys: list[str]
    calls: list[str] = field(default_factory=list)

    def folders(self, prefix: str) -> Iterator[str]:
        self.calls.append(prefix)
        below = {key[: key.index("/", len(prefix)) + 1] for key in self.keys if key.startswith(prefix)}
        yield from sorted(below)


def no_folders(prefix: str) -> Iterable[str]:
    raise AssertionError(f"{prefix} was listed without need")


@pytest.mark.parametrize(
    ("prefix", "period", "expected"),
    [
        ("clicks/", DAY, "clicks/2026/11/21/"),
        ("clicks/", HOUR, "clicks/2026/11/21/14/"),
        ("clicks", HOUR, "clicks2026/11/21/14/"),
        ("", DAY, "2026/11/21/"),
        ("a/y=!{timestamp:yyyy}/m=!{timestamp:MM}/d=!{timestamp:dd}/", DAY, "a/y=2026/m=11/d=21/"),
        ("a/dt=!{timestamp:yyyy-MM-dd}/", HOUR, "a/dt=2026-11-21/"),
        ("a/!{timestamp:yyyy-MM-dd'T'HH}-", HOUR, "a/2026-11-21T14-"),
        ("a/!{timestamp:yyyyMMdd}", DAY, "a/20261121"),
        ("a/!{timestamp:yyyy/MM/dd}/c=!{partitionKeyFromQuery:c}/!{timestamp:HH}/", DAY, "a/2026/11/21/c="),
        ("a/!{timestamp:yyyy/MM/dd}/!{firehose:random-string}/", DAY, "a/2026/11/21/"),
    ],
)  # fmt: skip
def test_a_period_lies_below_one_prefix(prefix: str, period: Period, expected: str) -> None:
    assert KeyLayout(prefix).prefixes(period, no_folders) == [expected]


def test_an_hour_before_the_day_means_one_prefix_an_hour() -> None:
    found = KeyLayout("h=!{timestamp:HH}/!{timestamp:yyyy-MM-dd}/").prefixes(DAY, no_folders)
    assert found == [f"h={hour:02d}/2026-11-21/" for hour in range(24)]


def test_a_day_elsewhere_spans_two_days_here() -> None:
    layout = KeyLayout("a/dt=!{timestamp:yyyy-MM-dd}/", "Asia/Kolkata")
    assert layout.prefixes(DAY, no_folders) == ["a/dt=2026-11-21/", "a/dt=2026-11-22/"]
    assert KeyLayout("a/", "Asia/Kolkata").prefixes(HOUR, no_folders) == [
        "a/2026/11/21/19/",
        "a/2026/11/21/20/",
    ]


def test_partition_keys_before_the_date_are_listed_and_error_folders_left_out() -> None:
    layout = KeyLayout("a/site=!{partitionKeyFromQuery:s}-x/!{timestamp:yyyy/MM/dd}/")
    store = Store(
        [
            "a/site=oslo-x/2026/11/21/k",
            "a/site=bergen-x/2020/01/01/k",
            "a/site=other/2026/11/21/k",
            "a/processing-failed/2026/11/21/k",
        ]
    )
    assert layout.prefixes(DAY, store.folders) == ["a/site=bergen-x/2026/11/21/", "a/site=oslo-x/2026/11/21/"]
    anything = KeyLayout("a/!{partitionKeyFromLambda:s}/!{timestamp:yyyy/MM/dd}/")
    assert "a/processing-failed/2026/11/21/" not in anything.prefixes(DAY, store.folders)


def test_error_and_backup_prefixes_are_no_data() -> None:
    layout = KeyLayout(
        "a/", excluded=("a/errors/!{firehose:error-output-type}/!{timestamp:yyyy}/", "a/backup/")
    )
    assert not layout.is_data("a/errors/processing-failed/2026/x")
    assert not layout.is_data("a/backup/2026/11/21/14/x")
    assert layout.is_data("a/errors/ok/x")
    assert layout.is_data("a/2026/11/21/14/x")
    assert KeyLayout("a/").is_data("a/processing-failed-not/x")


@pytest.mark.parametrize(
    "name",
    [
        f"clicks-1-2026-11-21-14-03-05-{UUID}",
        f"my-stream-7-test-2-2-2026-11-21-14-03-05-{UUID}.gz",
        f"2026-11-21-14-00-00-1-2026-11-21-14-03-05-{UUID}.parquet",
    ],
)
def test_the_name_says_when_an_object_arrived(name: str) -> None:
    assert KeyLayout("a/").arrived_at(f"a/2026/11/21/14/{name}") == datetime(
        2026, 11, 21, 14, 3, 5, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a/2026/11/21/14/export.json", datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC)),
        ("a/2026/11/21/export.json", datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)),
        # Copied by hand from another hour: the folder decides, for by the folder it is found.
        (f"a/2026/11/21/14/s-1-2026-11-20-14-03-05-{UUID}", datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC)),
        (f"a/2026/11/21/14/s-1-2026-99-20-14-03-05-{UUID}", datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC)),
        ("a/2026/13/21/14/export.json", None),
        ("a/notes.txt", None),
        ("b/2026/11/21/14/export.json", None),
    ],
)
def test_the_folder_says_it_where_the_name_does_not(key: str, expected: datetime | None) -> None:
    assert KeyLayout("a/").arrived_at(key) == expected


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("a/!{timestamp:yyyy/MM}/", "year, month and day"),
        ("a/!{timestamp:yy/MM/dd}/", "'yy' is none of"),
        ("a/!{firehose:random-string}/!{timestamp:yyyy/MM/dd}/", "behind the date"),
        ("a/!{lambda:x}/", "use !{timestamp"),
    ],
)
def test_what_cannot_be_listed_by_day_is_refused(prefix: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        KeyLayout(prefix)


PREFIXES = (
    "a/",
    "a",
    "a/dt=!{timestamp:yyyy-MM-dd}/",
    "a/!{timestamp:HH}/!{timestamp:yyyy/MM/dd}/",
    "a/k=!{partitionKeyFromQuery:k}/!{timestamp:yyyy/MM/dd/HH}/",
    "a/!{timestamp:yyyy/MM/dd/HH/mm}/",
)
ZONES = ("UTC", "Asia/Tokyo", "America/St_Johns", "Europe/Oslo")


@given(
    st.sampled_from(PREFIXES),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
    st.sampled_from(list(Grain)),
)
def test_every_object_is_found_in_the_period_of_its_arrival_and_no_other(
    prefix: str, zone: str, instant: datetime, grain: Grain
) -> None:
    layout = KeyLayout(prefix, zone)
    key = _key(layout, instant.replace(tzinfo=UTC))
    arrival = layout.arrived_at(key)
    assert arrival is not None
    store = Store([key])
    home = Period.containing(arrival, grain)
    listed = [prefix for prefix in layout.prefixes(home, store.folders) if key.startswith(prefix)]
    assert len(listed) == 1
    if zone == "UTC":
        assert arrival == instant.replace(tzinfo=UTC, microsecond=0)


@given(
    st.sampled_from(PREFIXES),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
)
def test_a_key_is_built_as_firehose_would(prefix: str, zone: str, instant: datetime) -> None:
    layout, at = KeyLayout(prefix, zone), instant.replace(tzinfo=UTC)
    assert layout.key(at, "s", uuid.UUID(UUID)) + ".gz" == _key(layout, at)


def _key(layout: KeyLayout, instant: datetime) -> str:
    """Return the key Firehose would write, by the layout's own prefix for the minute's folder."""
    local = instant.astimezone(ZoneInfo(layout.zone))
    folder = layout.prefix.replace("!{partitionKeyFromQuery:k}", "s")
    if "!{" not in layout.prefix:
        folder += f"{local:%Y/%m/%d/%H}/"
    for java, text in (
        ("!{timestamp:yyyy/MM/dd/HH/mm}", "%Y/%m/%d/%H/%M"),
        ("!{timestamp:yyyy/MM/dd/HH}", "%Y/%m/%d/%H"),
        ("!{timestamp:yyyy/MM/dd}", "%Y/%m/%d"),
        ("!{timestamp:yyyy-MM-dd}", "%Y-%m-%d"),
        ("!{timestamp:HH}", "%H"),
    ):
        folder = folder.replace(java, local.strftime(text))
    return f"{folder}s-1-{local:%Y-%m-%d-%H-%M-%S}-{UUID}.gz"
