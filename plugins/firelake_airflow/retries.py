"""Which failures are tried again: a busy or unreachable AWS, a lost race; never a batch that is bad."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from firelake.errors import (
    AccountingError,
    CommitConflict,
    GateFailed,
    LakeUnreachable,
    PeriodError,
    SpecError,
    UsageError,
)

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=[AccountingError, GateFailed, PeriodError, SpecError, UsageError],
            action=RetryAction.FAIL,
            reason="the same input gives the same result; a person must look",
        ),
        RetryRule(
            exception="airflow.providers.standard.exceptions.HITLTimeoutError",
            action=RetryAction.FAIL,
            reason="nobody answered in time; asking again is for whoever triggered it",
        ),
        RetryRule(
            exception=CommitConflict,
            retry_delay=timedelta(seconds=10),
            reason="other runs won the commit; the next try builds on theirs",
        ),
        RetryRule(
            exception=[
                LakeUnreachable,
                "botocore.exceptions.ClientError",
                "botocore.exceptions.HTTPClientError",
            ],
            retry_delay=timedelta(seconds=30),
            reason="AWS does not answer, or asks to slow down",
        ),
    ]
)
"""Every other failure is tried again by the task's own settings."""

RETRYING: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": RETRY_POLICY,
}
"""`default_args` of every DAG."""
