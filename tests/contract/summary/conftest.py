"""A lake in a Local AWS of its own, because the summaries' queries name the trusted tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from firelake.catalog import prepare_lake
from firelake.layout import Lake
from firelake.spec import find_dataset

from tests.contract.summary.readings import SUMMARIES
from tests.fixtures.local_aws import LocalAws


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Yield a lake with the summaries' sources, named by the environment."""
    local_aws = LocalAws.start(tmp_path_factory.mktemp("localaws"))
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", local_aws.endpoint_url)
            environment.setenv("AWS_ACCESS_KEY_ID", "test")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
            environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
            environment.setenv("FIRELAKE_NAME", "summaries")
            lake = Lake.from_environment()
            prepare_lake(lake, [find_dataset("iot_device_telemetry")], [one.table for one in SUMMARIES])
            yield lake
    finally:
        local_aws.stop()
