"""Reading, applying and verifying the buckets' lifecycle rules in S3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from firelake import aws
from firelake.errors import VerificationFailed
from firelake.layout import Lake, Zone, uri
from firelake.lifecycle.plan import BucketPlan, LifecyclePlan, merge, plan, same
from firelake.lifecycle.rules import TIERED_ZONES, Rule, is_own
from firelake.outcome import Outcome
from firelake.spec import Dataset

# Small objects cost more to move than they ever save.
_SMALLEST_MOVED = "all_storage_classes_128K"


class LifecycleOutcome(Outcome):
    """What was planned, and whether it was done.

    Parameters
    ----------
    plan
        Every rule with what happens to it.
    counts
        Rules by action: added, changed, removed, kept, foreign.
    applied
        Whether rules were written; not in a dry run, nor when nothing had to change.
    verified
        Whether the rules were read back and are as declared; not in a dry run.
    """

    plan: LifecyclePlan
    counts: dict[str, int]
    dry_run: bool
    applied: bool
    verified: bool


def tier(lake: Lake, datasets: Sequence[Dataset], *, dry_run: bool = False) -> LifecycleOutcome:
    """Bring the buckets' rules to what the specs demand, and read them back.

    Parameters
    ----------
    lake
        Whose buckets.
    datasets
        All of its datasets.
    dry_run
        Only say what would change.

    Raises
    ------
    FirelakeError
        If a spec demands what S3 or the lake cannot do; nothing was changed.
    LakeUnreachable
        If a bucket does not exist or does not answer.
    VerificationFailed
        If S3 afterwards has other rules than were written.
    """
    planned = plan(read_rules(lake), datasets, lake)
    if not dry_run:
        apply(planned)
        verify(planned)
    return LifecycleOutcome(
        plan=planned,
        counts=planned.count(),
        dry_run=dry_run,
        applied=not dry_run and bool(planned.changes),
        verified=not dry_run,
    )


def read_rules(lake: Lake) -> dict[Zone, list[Rule]]:
    """Return the rules of the tiered buckets, as S3 has them now."""
    return {zone: _configuration(lake.bucket(zone)).get("Rules", []) for zone in TIERED_ZONES}


def apply(planned: LifecyclePlan) -> None:
    """Write the rules of the buckets in which something changes.

    The foreign rules are read anew: one that came in since the plan was made stays, too.
    """
    for bucket in planned.buckets:
        if bucket.changes:
            _write(bucket)


def verify(planned: LifecyclePlan) -> None:
    """Read the rules back and compare.

    Raises
    ------
    VerificationFailed
        If one of Firelake's rules is not as planned, or a foreign rule of the plan is gone.
    """
    differences = [difference for bucket in planned.buckets for difference in _differences(bucket)]
    if differences:
        raise VerificationFailed("; ".join(differences) + "; apply the lifecycle again")


def _configuration(bucket: str) -> dict[str, Any]:
    s3 = aws.client("s3")
    with aws.reaching(uri(bucket, "")):
        try:
            return dict(s3.get_bucket_lifecycle_configuration(Bucket=bucket))
        except s3.exceptions.ClientError as error:
            if aws.error_code(error) != "NoSuchLifecycleConfiguration":
                raise
            return {}


def _write(planned: BucketPlan) -> None:
    s3, current = aws.client("s3"), _configuration(planned.bucket)
    rules = merge(current.get("Rules", []), planned.own_after)
    with aws.reaching(uri(planned.bucket, "")):
        if not rules:
            s3.delete_bucket_lifecycle(Bucket=planned.bucket)
            return
        s3.put_bucket_lifecycle_configuration(
            Bucket=planned.bucket,
            LifecycleConfiguration={"Rules": rules},  # type: ignore[typeddict-item] # foreign rules are any rules
            # The setting is the bucket's: foreign rules may rely on another one.
            TransitionDefaultMinimumObjectSize=current.get(
                "TransitionDefaultMinimumObjectSize", _SMALLEST_MOVED
            ),
        )


def _differences(planned: BucketPlan) -> list[str]:
    found = _configuration(planned.bucket).get("Rules", [])
    actual = {str(rule.get("ID", "")): rule for rule in found}
    wanted = {rule.id: rule.after for rule in planned.rules if rule.after is not None}
    differences = []
    for name, rule in wanted.items():
        if name not in actual:
            differences.append(f"{planned.bucket}: rule {name} is missing")
        elif not same(actual[name], rule):
            differences.append(f"{planned.bucket}: rule {name} is {actual[name]}, declared is {rule}")
    unplanned = sorted(name for name, rule in actual.items() if is_own(rule) and name not in wanted)
    return differences + [f"{planned.bucket}: rule {name} is not declared" for name in unplanned]
