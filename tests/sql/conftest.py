"""A Local AWS of these tests' own, because queries name the trusted tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from firelake.catalog import prepare_lake
from firelake.layout import Lake
from firelake.spec import load_datasets
from firelake.summary import load_summaries

from tests.fixtures.local_aws import LocalAws


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Yield a lake with every table, none of which has rows."""
    local_aws = LocalAws.start(tmp_path_factory.mktemp("localaws"))
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", local_aws.endpoint_url)
            environment.setenv("AWS_ACCESS_KEY_ID", "test")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
            environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
            environment.setenv("FIRELAKE_NAME", "summaries")
            lake = Lake.from_environment()
            prepare_lake(lake, load_datasets(), [summary.table for summary in load_summaries()])
            yield lake
    finally:
        local_aws.stop()
