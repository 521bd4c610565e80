from __future__ import annotations

from typing import Any

from firelake.layout import Zone
from firelake.lifecycle import Action, LifecyclePlan, merge, plan
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lifecycle.specs import LAKE, RAW, dataset

Rules = list[dict[str, Any]]

foreign_ids = st.text("abcfirelk:-", max_size=12).filter(lambda name: not name.startswith("firelake:"))
foreign_rules: st.SearchStrategy[Rules] = st.lists(
    st.fixed_dictionaries(
        {"ID": foreign_ids, "Status": st.sampled_from(["Enabled", "Disabled"])},
        optional={
            "Filter": st.fixed_dictionaries({"Prefix": st.text("ab/", max_size=5)}),
            "Prefix": st.text("ab/", max_size=5),
            "Expiration": st.fixed_dictionaries({"Days": st.integers(1, 999)}),
            "AbortIncompleteMultipartUpload": st.just({"DaysAfterInitiation": 7}),
        },
    ),
    max_size=5,
    unique_by=lambda rule: str(rule["ID"]),
)
own_rules: st.SearchStrategy[Rules] = st.lists(
    st.builds(
        lambda name, days: {
            "ID": f"firelake:{name}:raw",
            "Status": "Enabled",
            "Filter": {"Prefix": f"{name}/"},
            "Transitions": [{"Days": days, "StorageClass": "STANDARD_IA"}],
        },
        st.sampled_from(["clicks", "menu", "gone"]),
        st.integers(30, 32),
    ),
    max_size=3,
    unique_by=lambda rule: str(rule["ID"]),
)
currents = st.tuples(foreign_rules, own_rules).flatmap(lambda parts: st.permutations(parts[0] + parts[1]))
DATASETS = [dataset(raw=RAW[:1]), dataset("menu", raw=RAW[:1])]


def raw_after(current: Rules) -> Rules:
    planned = plan({Zone.RAW: current}, DATASETS, LAKE)
    return merge(current, next(bucket.own_after for bucket in planned.buckets if bucket.zone is Zone.RAW))


@given(currents)
def test_foreign_rules_always_survive_unchanged_and_in_order(current: Rules) -> None:
    def foreign(rules: Rules) -> Rules:
        return [rule for rule in rules if not rule["ID"].startswith("firelake:")]

    assert foreign(raw_after(current)) == foreign(current)


@given(currents)
def test_own_rules_become_exactly_the_declared_ones(current: Rules) -> None:
    own = {rule["ID"]: rule for rule in raw_after(current) if rule["ID"].startswith("firelake:")}
    assert set(own) == {"firelake:clicks:raw", "firelake:menu:raw"}
    assert all(rule["Transitions"] == [{"Days": 30, "StorageClass": "STANDARD_IA"}] for rule in own.values())


@given(currents)
def test_planning_again_after_applying_changes_nothing(current: Rules) -> None:
    after = raw_after(current)
    assert plan({Zone.RAW: after}, DATASETS, LAKE).changes == ()
    assert raw_after(after) == after


@given(currents)
def test_every_rule_is_named_once_with_what_happens_to_it(current: Rules) -> None:
    planned = plan({Zone.RAW: current}, DATASETS, LAKE)
    (raw,) = [bucket for bucket in planned.buckets if bucket.zone is Zone.RAW]
    names = [rule.id for rule in raw.rules]
    before = {rule["ID"]: rule for rule in current}
    assert sorted(names) == sorted(before.keys() | {"firelake:clicks:raw", "firelake:menu:raw"})
    for rule in raw.rules:
        assert rule.before == before.get(rule.id)
        match rule.action:
            case Action.ADDED:
                assert rule.before is None
            case Action.REMOVED:
                assert rule.id == "firelake:gone:raw"
                assert rule.after is None
            case Action.CHANGED:
                assert rule.before != rule.after
            case Action.KEPT | Action.FOREIGN:
                assert rule.before == rule.after
    assert sum(planned.count().values()) == len(names)


def test_transitions_in_another_order_are_the_same_rule() -> None:
    both = [dataset(raw=RAW)]
    (added,) = plan({}, both, LAKE).changes
    assert added.after is not None
    returned = {**added.after, "Transitions": added.after["Transitions"][::-1]}
    assert plan({Zone.RAW: [returned]}, both, LAKE).changes == ()


def test_a_plan_can_be_read_back_from_its_json() -> None:
    planned = plan({Zone.RAW: [{"ID": "theirs", "Status": "Enabled"}]}, DATASETS, LAKE)
    assert LifecyclePlan.model_validate_json(planned.model_dump_json()) == planned
    assert planned.count() == {"added": 2, "changed": 0, "removed": 0, "kept": 0, "foreign": 1}
