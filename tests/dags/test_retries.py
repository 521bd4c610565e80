"""Which failures are tried again."""

from pathlib import Path

import pytest
from airflow.sdk import RetryAction
from botocore.exceptions import ClientError
from firelake.errors import (
    AccountingError,
    CommitConflict,
    GateFailed,
    LakeUnreachable,
    PeriodError,
    SpecError,
)
from firelake_airflow.retries import RETRY_POLICY

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "StartCrawler")


@pytest.mark.parametrize("error", [CommitConflict("lost"), LakeUnreachable("gone"), THROTTLED])
def test_what_passes_is_tried_again(error: Exception) -> None:
    decision = RETRY_POLICY.evaluate(error, try_number=1, max_tries=3)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay


@pytest.mark.parametrize(
    "error",
    [
        AccountingError("1 lost"),
        GateFailed("bad"),
        PeriodError("no key"),
        SpecError(Path("a.yaml"), 1, "bad"),
    ],
)
def test_what_stays_is_not(error: Exception) -> None:
    assert RETRY_POLICY.evaluate(error, try_number=1, max_tries=3).action is RetryAction.FAIL


def test_the_rest_is_left_to_the_task() -> None:
    assert RETRY_POLICY.evaluate(OSError(), try_number=1, max_tries=3).action is RetryAction.DEFAULT
