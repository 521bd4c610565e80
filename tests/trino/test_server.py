"""Local AWS with a Trino of its own, which ends when Local AWS does, even if that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localaws.athena.trino.installation import VERSION
from tests.fixtures.athena import AthenaLake
from tests.fixtures.local_aws import LocalAws

START_S = 240


@pytest.fixture
def local_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    local_aws = LocalAws.start(tmp_path, 0, "--engine", "trino")
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield local_aws
    if local_aws.process.poll() is None:
        local_aws.stop()


def test_trino_answers_on_this_machine_alone_and_ends_with_local_aws(local_aws: LocalAws) -> None:
    lake = AthenaLake("own", "own", local_aws.endpoint_url)
    lake.s3.create_bucket(Bucket="own")
    lake.glue.create_database(DatabaseInput={"Name": "own"})
    execution = lake.wait(lake.start("SELECT version(), 7 / 2"), START_S)
    assert lake.result(execution["QueryExecutionId"])[1] == [VERSION, "3"]

    children = psutil.Process(local_aws.process.pid).children(recursive=True)
    (java,) = (child for child in children if child.name() == "java")
    listening = {c.laddr.ip for c in java.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}

    local_aws.kill()
    psutil.wait_procs([java], timeout=60)
    assert not java.is_running()
