"""What is configured wrongly is named, before anything is consumed."""

import os
import subprocess
import sys

import pytest

from tests.fixtures.local_aws import ROOT
from tests.fixtures.rabbitmq import Broker, free_port


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"FIRELAKE_AMQP_URL": "amqp://guest:wrong@127.0.0.1:{port}/"}, "access refused"),
        ({"FIRELAKE_AMQP_URL": "http://127.0.0.1:{port}/"}, "FIRELAKE_AMQP_URL_FILE to amqps://"),
        ({"FIRELAKE_AMQP_URL_FILE": "/nowhere"}, "FIRELAKE_AMQP_URL_FILE=/nowhere: No such file"),
        ({"FIRELAKE_AMQP_URL": "amqp://guest:guest@127.0.0.1:{port}/"}, "queue nowhere does not exist"),
    ],
)
def test_what_must_be_mended_first_ends_the_forwarder(
    broker: Broker, variables: dict[str, str], told: str
) -> None:
    filled = {name: value.format(port=broker.port) for name, value in variables.items()}
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "ingest.forwarder", "run", f"--listen=127.0.0.1:{free_port()}"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")]),
            "AWS_DEFAULT_REGION": "us-east-1",
            "FIRELAKE_FORWARDER_QUEUE": "nowhere",
            "FIRELAKE_FORWARDER_STREAM": "nowhere",
            **filled,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "wrong" not in ended.stderr
    assert "Traceback" not in ended.stderr
