from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from firelake.errors import FirelakeError
from firelake.layout import Zone
from firelake.lifecycle.rules import declared_rules
from firelake.spec import load_datasets
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lifecycle.specs import RAW, dataset

WARM_TO_COLD = ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]


def test_steps_become_one_rule_with_its_prefix() -> None:
    (rule,) = declared_rules([dataset(raw=[*RAW, {"after": "730d", "expire": True}])], Zone.RAW)
    assert rule == {
        "ID": "firelake:clicks:raw",
        "Status": "Enabled",
        "Filter": {"Prefix": "clicks/"},
        "Transitions": [
            {"Days": 30, "StorageClass": "STANDARD_IA"},
            {"Days": 90, "StorageClass": "GLACIER_IR"},
        ],
        "Expiration": {"Days": 730},
    }


def test_tables_are_tiered_by_their_data_files_only() -> None:
    (rule,) = declared_rules([dataset(trusted=[{"after": "0d", "to": "INTELLIGENT_TIERING"}])], Zone.TRUSTED)
    assert rule["Filter"] == {"Prefix": "clicks/data/"}
    assert "Expiration" not in rule


def test_s3_never_deletes_refused_records_that_snapshots_name() -> None:
    keep = [{"after": "30d", "to": "STANDARD_IA"}, {"after": "365d", "expire": True}]
    (rule,) = declared_rules([dataset(quarantine=keep)], Zone.QUARANTINE)
    assert "Transitions" in rule
    assert "Expiration" not in rule
    assert declared_rules([dataset(quarantine=keep[1:])], Zone.QUARANTINE) == []


def test_a_zone_without_steps_has_no_rule() -> None:
    assert declared_rules([dataset(raw=RAW)], Zone.TRUSTED) == []


@pytest.mark.parametrize("zone", [Zone.RAW, Zone.TRUSTED, Zone.QUARANTINE])
def test_the_declared_datasets_can_be_tiered(zone: Zone) -> None:
    datasets = load_datasets()
    rules = declared_rules(datasets, zone)
    assert [rule["ID"] for rule in rules] == [f"firelake:{one.name}:{zone}" for one in datasets]


@pytest.mark.parametrize(
    ("zone", "steps", "says"),
    [
        ("raw", [{"after": "29d", "to": "STANDARD_IA"}], r"lifecycle.raw\[0\]: .* before 30d"),
        ("raw", [{"after": "0d", "to": "ONEZONE_IA"}], r"lifecycle.raw\[0\]: .* before 30d"),
        ("raw", [*RAW[::-1]], r"lifecycle.raw\[1\]: after 30d must be later"),
        ("raw", [RAW[0], {"after": "30d", "expire": True}], r"\[1\]: after 30d must be later"),
        (
            "raw",
            [RAW[0], {"after": "59d", "to": "GLACIER"}],
            r"\[1\]: objects would leave STANDARD_IA after 29d",
        ),
        (
            "raw",
            [*RAW, {"after": "100d", "expire": True}],
            r"\[2\]: objects would leave GLACIER_IR after 10d",
        ),
        (
            "raw",
            [RAW[1], {"after": "300d", "to": "STANDARD_IA"}],
            "cannot move objects from GLACIER_IR to STAND",
        ),
        (
            "raw",
            [{"after": "30d", "to": "ONEZONE_IA"}, {"after": "90d", "to": "GLACIER_IR"}],
            "cannot move objects from ONEZONE_IA to GLACIER_IR",
        ),
        ("raw", [{"after": "9d", "expire": True}, RAW[0]], r"\[0\]: nothing is left to move after `expire`"),
        ("raw", [{"after": "0d", "expire": True}], "at least 1d"),
        (
            "trusted",
            [{"after": "90d", "to": "GLACIER_IR"}],
            r"lifecycle.trusted\[0\]: GLACIER_IR is for what no",
        ),
        ("trusted", [{"after": "90d", "to": "GLACIER"}], "what no query reads"),
        ("trusted", [{"after": "90d", "to": "DEEP_ARCHIVE"}], "what no query reads"),
        ("trusted", [{"after": "90d", "expire": True}], "delete rows by a commit"),
    ],
)
def test_what_s3_or_the_lake_cannot_do_is_refused_by_key(
    zone: str, steps: list[dict[str, Any]], says: str
) -> None:
    with pytest.raises(FirelakeError, match=f"clicks: .*{says}"):
        declared_rules([dataset("clicks", None, **{zone: steps})], Zone(zone))


@given(st.lists(st.sampled_from(WARM_TO_COLD), unique=True, min_size=1), st.integers(30, 60))
def test_exactly_what_goes_from_warm_to_cold_is_accepted(classes: list[str], first: int) -> None:
    steps = [{"after": f"{first + 180 * number}d", "to": name} for number, name in enumerate(classes)]
    falling = classes == sorted(classes, key=WARM_TO_COLD.index)
    if falling and ("ONEZONE_IA", "GLACIER_IR") not in pairwise(classes):
        (rule,) = declared_rules([dataset(raw=steps)], Zone.RAW)
        assert [step["StorageClass"] for step in rule["Transitions"]] == classes
        assert [f"{step['Days']}d" for step in rule["Transitions"]] == [step["after"] for step in steps]
    else:
        with pytest.raises(FirelakeError, match="S3 cannot move objects from"):
            declared_rules([dataset(raw=steps)], Zone.RAW)


def test_two_rules_may_not_act_on_the_same_objects() -> None:
    inner = dataset("inner", prefix="clicks/inner/", raw=RAW)
    with pytest.raises(FirelakeError, match="clicks and inner: their raw prefixes 'clicks/' and"):
        declared_rules([dataset(raw=RAW), inner], Zone.RAW)
