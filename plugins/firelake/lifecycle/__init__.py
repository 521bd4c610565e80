"""Storage tiers: the specs' lifecycle steps as S3 rules, applied by merge and read back."""

from firelake.lifecycle.buckets import LifecycleOutcome, apply, read_rules, tier, verify
from firelake.lifecycle.plan import Action, BucketPlan, LifecyclePlan, RulePlan, merge, plan

__all__ = [
    "Action",
    "BucketPlan",
    "LifecycleOutcome",
    "LifecyclePlan",
    "RulePlan",
    "apply",
    "merge",
    "plan",
    "read_rules",
    "tier",
    "verify",
]
