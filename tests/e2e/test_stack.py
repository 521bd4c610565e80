"""The stack starts or says why not, and leaves nothing behind."""

import json
import signal
import socket
import stat
import time
from collections.abc import Callable

import pytest

from tests.e2e.conftest import LocalLake

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("variable", ["AWS_PORT", "AIRFLOW_PORT"])
def test_a_taken_port_is_named_with_the_way_out(make_lake: Callable[..., LocalLake], variable: str) -> None:
    lake = make_lake()
    port = {"AWS_PORT": lake.settings.aws_port, "AIRFLOW_PORT": lake.settings.airflow_port}[variable]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = lake.run("up")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert f"make up {variable}=" in done.stderr
    assert "Traceback" not in done.stderr
    assert lake.process_names() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_the_starter_ends_early(
    make_lake: Callable[..., LocalLake], number: signal.Signals
) -> None:
    lake = make_lake()
    with lake.start("up") as starter:
        while len(lake.process_names()) < 3:
            assert starter.poll() is None
            time.sleep(0.1)
        starter.send_signal(number)
        starter.wait()
    if number is signal.SIGKILL:
        assert lake.process_names()
        assert lake.run("down").returncode == 0
    assert lake.process_names() == []


def test_the_login_is_the_owners_alone(lake: LocalLake) -> None:
    passwords = lake.settings.passwords_file
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert stat.S_IMODE(lake.settings.folder.stat().st_mode) == 0o700
    assert len(json.loads(passwords.read_text())["admin"]) >= 16
    logs = "".join(log.read_text() for log in lake.settings.logs.iterdir())
    assert lake.settings.password() not in logs
