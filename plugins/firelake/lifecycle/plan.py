"""What would change in the buckets' lifecycle rules, rule by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from firelake.layout import Lake, Zone
from firelake.lifecycle.rules import TIERED_ZONES, Rule, declared_rules, is_own
from firelake.outcome import Outcome
from firelake.spec import Dataset


class Action(StrEnum):
    """What happens to a rule."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    KEPT = "kept"
    FOREIGN = "foreign"


class RulePlan(Outcome):
    """One rule as it is and as it will be."""

    id: str
    action: Action
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class BucketPlan(Outcome):
    """All rules of one bucket."""

    bucket: str
    zone: Zone
    rules: tuple[RulePlan, ...]

    @property
    def own_after(self) -> tuple[Rule, ...]:
        """Firelake's rules as the specs demand them."""
        return tuple(
            rule.after for rule in self.rules if rule.action is not Action.FOREIGN and rule.after is not None
        )

    @property
    def changes(self) -> tuple[RulePlan, ...]:
        """The rules that are not as they should be."""
        return tuple(rule for rule in self.rules if rule.action not in (Action.KEPT, Action.FOREIGN))


class LifecyclePlan(Outcome):
    """All rules of the lake's tiered buckets."""

    buckets: tuple[BucketPlan, ...]

    @property
    def changes(self) -> tuple[RulePlan, ...]:
        """The rules that are not as they should be, in any bucket."""
        return tuple(rule for bucket in self.buckets for rule in bucket.changes)

    def count(self) -> dict[str, int]:
        """Return how many rules meet each fate."""
        counts = Counter(rule.action for bucket in self.buckets for rule in bucket.rules)
        return {str(action): counts[action] for action in Action}


def plan(current: Mapping[Zone, Sequence[Rule]], datasets: Sequence[Dataset], lake: Lake) -> LifecyclePlan:
    """Compare the rules there are with those that the specs demand.

    Parameters
    ----------
    current
        Rules by zone, as S3 returns them.
    datasets
        All of the lake's datasets: own rules of others are planned to be removed.
    lake
        Whose buckets.

    Raises
    ------
    FirelakeError
        If a spec demands what S3 or the lake cannot do.
    """
    return LifecyclePlan(
        buckets=tuple(
            BucketPlan(
                bucket=lake.bucket(zone),
                zone=zone,
                rules=_rule_plans(current.get(zone, ()), declared_rules(datasets, zone)),
            )
            for zone in TIERED_ZONES
        )
    )


def merge(current: Sequence[Rule], own: Sequence[Rule]) -> list[Rule]:
    """Return ``own`` rules in place of all that Firelake made before; foreign rules stay as they are."""
    return [rule for rule in current if not is_own(rule)] + list(own)


def same(one: Rule, other: Rule) -> bool:
    """Tell whether two rules say the same; S3 may return transitions in another order."""
    return _ordered(one) == _ordered(other)


def _ordered(rule: Rule) -> Rule:
    transitions = sorted(
        rule.get("Transitions", []), key=lambda step: (step.get("Days", 0), step["StorageClass"])
    )
    return {**rule, "Transitions": transitions}


def _rule_plans(current: Sequence[Rule], declared: Sequence[Rule]) -> tuple[RulePlan, ...]:
    own = {str(rule["ID"]): rule for rule in current if is_own(rule)}
    wanted = {str(rule["ID"]): rule for rule in declared}
    plans = [_own_plan(name, own.get(name), wanted.get(name)) for name in sorted(own.keys() | wanted.keys())]
    for rule in current:
        if not is_own(rule):
            name = str(rule.get("ID", ""))
            plans.append(RulePlan(id=name, action=Action.FOREIGN, before=rule, after=rule))
    return tuple(plans)


def _own_plan(name: str, before: Rule | None, after: Rule | None) -> RulePlan:
    if before is None:
        action = Action.ADDED
    elif after is None:
        action = Action.REMOVED
    else:
        action = Action.KEPT if same(before, after) else Action.CHANGED
    return RulePlan(id=name, action=action, before=before, after=after)
