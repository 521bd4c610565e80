"""A Trino on the session's Local AWS. Without one these tests fail: what they prove has no other proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.athena.trino.server import LakeEndpoint, TrinoServer
from tests.fixtures.local_aws import LocalAws


@pytest.fixture(scope="session")
def trino(local_aws_process: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoServer]:
    """Yield a Trino that finds Glue and S3 in the session's Local AWS."""
    endpoint = LakeEndpoint(local_aws_process.endpoint_url, "us-east-1", "000000000000")
    server = TrinoServer(endpoint, Path(tmp_path_factory.mktemp("trino"), "server"))
    yield server
    server.stop()
