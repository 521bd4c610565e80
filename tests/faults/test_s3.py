"""A fifth of all S3 requests fail: a run completes or fails, and nothing partial is ever visible."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from firelake.errors import FirelakeError
from firelake.periods import Grain, PeriodRange
from firelake.pipeline import Pipeline
from firelake.reconcile import reconcile

from tests.contract.core.lake import DAY, TestLake, body_of, record
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.fixtures.local_aws import LocalAws

PERIOD = PeriodRange.parse("2026-11-21", Grain.DAY)
OBJECTS = 8
TRIES = 4


@pytest.fixture
def proxy(local_aws: LocalAws) -> Iterator[FaultProxy]:
    with fault_proxy(local_aws.endpoint_url, share=0.2, seed=7) as running:
        yield running


# Each fault is waited out and tried again, up to two minutes long.
@pytest.mark.timeout(1800)
def test_runs_over_a_failing_s3_complete_or_fail_whole(
    lake: TestLake, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(DAY, body_of([record(0)]))
    Pipeline(lake.lake, lake.dataset).run(PERIOD, "before")
    for number in range(1, OBJECTS):
        lake.put(DAY + timedelta(minutes=number), body_of([record(number), record(number)]))
    completed, failures = 0, list[Exception]()
    for _ in range(TRIES):
        with monkeypatch.context() as through_proxy:
            through_proxy.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
            try:
                Pipeline(lake.lake, lake.dataset).run(PERIOD, "faulty")
                completed += 1
            except (FirelakeError, OSError) as error:
                failures.append(error)
        visible = [row["device"] for row in lake.trusted()]
        assert visible == (list(range(OBJECTS)) if len(visible) > 1 else [0])
        assert lake.quarantined() == []
    assert sum(proxy.done.values()) - proxy.done["none"] > 20
    assert completed > 0, failures
    Pipeline(lake.lake, lake.dataset).run(PERIOD, "after")
    assert [row["device"] for row in lake.trusted()] == list(range(OBJECTS))
    assert reconcile(lake.lake, lake.dataset, PERIOD).complete
