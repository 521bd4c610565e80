"""From a spec's lifecycle steps to S3's rules, within what S3 allows and the lake can stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

from firelake.errors import FirelakeError
from firelake.layout import Zone, data_prefix
from firelake.spec import Dataset
from firelake.spec.dataset import LifecycleStep, StorageClass

Rule = dict[str, Any]

OWN_ID = "firelake:"
TIERED_ZONES = (Zone.RAW, Zone.TRUSTED, Zone.QUARANTINE)

# From warm to cold; S3 moves objects only in this direction.
WATERFALL = (
    StorageClass.STANDARD_IA,
    StorageClass.INTELLIGENT_TIERING,
    StorageClass.ONEZONE_IA,
    StorageClass.GLACIER_IR,
    StorageClass.GLACIER,
    StorageClass.DEEP_ARCHIVE,
)
_INFREQUENT_ACCESS = (StorageClass.STANDARD_IA, StorageClass.ONEZONE_IA)
_ARCHIVE = (StorageClass.GLACIER_IR, StorageClass.GLACIER, StorageClass.DEEP_ARCHIVE)
_IA_EARLIEST_DAYS = 30
# An object that leaves earlier is charged for so many days all the same.
_CHARGED_DAYS = {
    StorageClass.STANDARD_IA: 30,
    StorageClass.ONEZONE_IA: 30,
    StorageClass.GLACIER_IR: 90,
    StorageClass.GLACIER: 90,
    StorageClass.DEEP_ARCHIVE: 180,
}


def rule_id(dataset: Dataset, zone: Zone) -> str:
    """Return the ID of a dataset's rule in a zone's bucket."""
    return f"{OWN_ID}{dataset.name}:{zone}"


def is_own(rule: Rule) -> bool:
    """Tell whether Firelake made a rule; all others are left alone."""
    return str(rule.get("ID", "")).startswith(OWN_ID)


def declared_rules(datasets: Sequence[Dataset], zone: Zone) -> list[Rule]:
    """Return the rules that the specs demand in one zone's bucket, by ID.

    Raises
    ------
    FirelakeError
        If S3 would refuse a step, or the lake could not be read after it; the message names the
        dataset and the key.
    """
    tiered = [dataset for dataset in datasets if steps_of(dataset, zone)]
    for one, other in combinations(tiered, 2):
        _refuse_overlap(one, other, zone)
    rules = (_rule(dataset, zone) for dataset in tiered)
    acting = (rule for rule in rules if rule.keys() & {"Transitions", "Expiration"})
    return sorted(acting, key=lambda rule: str(rule["ID"]))


def steps_of(dataset: Dataset, zone: Zone) -> tuple[LifecycleStep, ...]:
    """Return the steps that a dataset declares for a zone."""
    steps: tuple[LifecycleStep, ...] = getattr(dataset.lifecycle, zone)
    return steps


def tiered_prefix(dataset: Dataset, zone: Zone) -> str:
    """Return what the keys begin with that a dataset's rule in a zone acts on."""
    return dataset.raw.layout.root if zone is Zone.RAW else data_prefix(dataset.name)


def _rule(dataset: Dataset, zone: Zone) -> Rule:
    steps = steps_of(dataset, zone)
    for problem in _problems(steps, zone):
        raise FirelakeError(f"{dataset.name}: lifecycle.{zone}{problem}")
    rule: Rule = {
        "ID": rule_id(dataset, zone),
        "Status": "Enabled",
        "Filter": {"Prefix": tiered_prefix(dataset, zone)},
    }
    transitions = [{"Days": step.after.days, "StorageClass": str(step.to)} for step in steps if step.to]
    if transitions:
        rule["Transitions"] = transitions
    # Snapshots name the files of refused records: maintenance takes the rows out, by a commit.
    if steps[-1].expire and zone is not Zone.QUARANTINE:
        rule["Expiration"] = {"Days": steps[-1].after.days}
    return rule


def _refuse_overlap(one: Dataset, other: Dataset, zone: Zone) -> None:
    prefixes = sorted((tiered_prefix(one, zone), tiered_prefix(other, zone)))
    if prefixes[1].startswith(prefixes[0]):
        raise FirelakeError(
            f"{one.name} and {other.name}: their {zone} prefixes {prefixes[0]!r} and {prefixes[1]!r} "
            "overlap, so both rules would act on the same objects; give each dataset its own prefix"
        )


def _problems(steps: Sequence[LifecycleStep], zone: Zone) -> Iterator[str]:
    for number, step in enumerate(steps):
        for problem in _step_problems(step, zone):
            yield f"[{number}]: {problem}"
        if step.expire and number < len(steps) - 1:
            yield f"[{number}]: nothing is left to move after `expire`; put it last"
    for number, (earlier, later) in enumerate(pairwise(steps)):
        for problem in _order_problems(earlier, later):
            yield f"[{number + 1}]: {problem}"


def _step_problems(step: LifecycleStep, zone: Zone) -> Iterator[str]:
    if step.to in _INFREQUENT_ACCESS and step.after.days < _IA_EARLIEST_DAYS:
        yield f"S3 moves nothing to {step.to} before {_IA_EARLIEST_DAYS}d; raise after: {step.after.days}d"
    if zone is Zone.TRUSTED and step.to in _ARCHIVE:
        yield f"{step.to} is for what no query reads; use INTELLIGENT_TIERING or STANDARD_IA"
    if zone is Zone.TRUSTED and step.expire:
        yield "the table's snapshots would name files that are gone; delete rows by a commit instead"
    if step.expire and step.after.days < 1:
        yield "S3 expires objects after at least 1d"


def _order_problems(earlier: LifecycleStep, later: LifecycleStep) -> Iterator[str]:
    days = later.after.days - earlier.after.days
    if days <= 0:
        yield f"after {later.after.days}d must be later than the step before it, {earlier.after.days}d"
    elif earlier.to and days < _CHARGED_DAYS.get(earlier.to, 0):
        yield (
            f"objects would leave {earlier.to} after {days}d, but S3 charges (and for IA demands) "
            f"{_CHARGED_DAYS[earlier.to]}d; wait longer or leave the step out"
        )
    if earlier.to and later.to and not _may_follow(earlier.to, later.to):
        yield f"S3 cannot move objects from {earlier.to} to {later.to}"


def _may_follow(earlier: StorageClass, later: StorageClass) -> bool:
    if (earlier, later) == (StorageClass.ONEZONE_IA, StorageClass.GLACIER_IR):
        return False
    return WATERFALL.index(earlier) < WATERFALL.index(later)
