from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from firelake import aws
from firelake.errors import LakeUnreachable, VerificationFailed
from firelake.layout import Lake, Zone
from firelake.lifecycle import LifecycleOutcome, apply, plan, read_rules, tier, verify
from firelake.lifecycle.rules import TIERED_ZONES

from tests.fixtures.local_aws import LocalAws
from tests.unit.lifecycle.specs import RAW, Steps, dataset

NUMBERS = count(1)
SAYS = {"removed": "raw is missing", "changed": "raw is {", "added": "other is not declared"}
TRUSTED = [{"after": "0d", "to": "INTELLIGENT_TIERING"}]
QUARANTINE: Steps = [{"after": "30d", "to": "STANDARD_IA"}, {"after": "365d", "expire": True}]
FOREIGN: dict[str, Any] = {
    "ID": "audit",
    "Status": "Enabled",
    "Filter": {"Prefix": "audit/"},
    "Expiration": {"Days": 3650},
}


@pytest.fixture
def lake(local_aws: LocalAws) -> Lake:
    lake = Lake(f"tiered-{next(NUMBERS)}")
    for zone in TIERED_ZONES:
        aws.client("s3").create_bucket(Bucket=lake.bucket(zone))
    return lake


def put(lake: Lake, zone: Zone, *rules: Any) -> None:
    aws.client("s3").put_bucket_lifecycle_configuration(
        Bucket=lake.bucket(zone), LifecycleConfiguration={"Rules": list(rules)}
    )


def names(lake: Lake) -> dict[Zone, list[str]]:
    return {zone: [rule["ID"] for rule in rules] for zone, rules in read_rules(lake).items()}


def test_rules_of_all_zones_are_applied_read_back_and_then_kept(lake: Lake) -> None:
    datasets = [dataset(raw=RAW, trusted=TRUSTED, quarantine=QUARANTINE), dataset("menu", raw=RAW)]
    first, second = tier(lake, datasets), tier(lake, datasets)
    assert (first.applied, first.verified, first.counts["added"]) == (True, True, 4)
    assert (second.applied, second.verified, second.counts["kept"]) == (False, True, 4)
    assert names(lake) == {
        Zone.RAW: ["firelake:clicks:raw", "firelake:menu:raw"],
        Zone.TRUSTED: ["firelake:clicks:trusted"],
        Zone.QUARANTINE: ["firelake:clicks:quarantine"],
    }
    assert LifecycleOutcome.model_validate_json(first.model_dump_json()) == first


def test_a_foreign_rule_survives_change_and_removal(lake: Lake) -> None:
    put(lake, Zone.RAW, FOREIGN)
    tier(lake, [dataset(raw=RAW), dataset("menu", raw=RAW)])
    outcome = tier(lake, [dataset(raw=RAW[:1])])
    assert outcome.counts == {"added": 0, "changed": 1, "removed": 1, "kept": 0, "foreign": 1}
    foreign, own = read_rules(lake)[Zone.RAW]
    assert foreign == FOREIGN
    assert own["Transitions"] == [{"Days": 30, "StorageClass": "STANDARD_IA"}]


def test_a_dry_run_writes_nothing(lake: Lake) -> None:
    put(lake, Zone.RAW, FOREIGN)
    outcome = tier(lake, [dataset(raw=RAW)], dry_run=True)
    assert (outcome.applied, outcome.verified, outcome.counts["added"]) == (False, False, 1)
    assert names(lake)[Zone.RAW] == ["audit"]


def test_a_foreign_rule_that_came_in_after_planning_survives(lake: Lake) -> None:
    planned = plan(read_rules(lake), [dataset(raw=RAW)], lake)
    put(lake, Zone.RAW, FOREIGN)
    apply(planned)
    verify(planned)
    assert names(lake)[Zone.RAW] == ["audit", "firelake:clicks:raw"]


def test_the_last_rule_can_be_removed(lake: Lake) -> None:
    tier(lake, [dataset(raw=RAW)])
    assert tier(lake, []).counts["removed"] == 1
    assert names(lake)[Zone.RAW] == []


@pytest.mark.parametrize("drift", SAYS)
def test_verifying_names_the_rule_that_is_not_as_declared(lake: Lake, drift: str) -> None:
    planned = tier(lake, [dataset(raw=RAW), dataset("menu", raw=RAW)]).plan
    clicks, menu = read_rules(lake)[Zone.RAW]
    rules = {
        "removed": [menu],
        "changed": [{**clicks, "Status": "Disabled"}, menu],
        "added": [clicks, menu, {**clicks, "ID": "firelake:clicks:other"}],
    }
    put(lake, Zone.RAW, *rules[drift])
    with pytest.raises(VerificationFailed, match=f"{lake.name}-raw: rule firelake:clicks:{SAYS[drift]}"):
        verify(planned)


def test_a_missing_bucket_is_named(local_aws: LocalAws) -> None:
    with pytest.raises(LakeUnreachable, match=r"s3://nowhere-raw/: .*NoSuchBucket"):
        tier(Lake("nowhere"), [dataset(raw=RAW)])
