"""A Trino server of our own, on the Glue and S3 of one Local AWS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localaws.athena.trino import guard
from localaws.athena.trino.client import TrinoClient
from localaws.athena.trino.installation import find_java, find_server

_START_S: Final = 240.0
_HEAP_MB: Final = 1200
_JVM: Final = (
    f"-Xmx{_HEAP_MB}m",
    # One user at a time: a quick start counts for more than peak speed.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:+EnableDynamicAgentLoading",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "--add-modules=jdk.incubator.vector",
)


class TrinoStartError(Exception):
    """Why the server did not start."""


@dataclass(frozen=True)
class LakeEndpoint:
    """Where Trino finds Glue and S3, and as whom.

    Parameters
    ----------
    url
        Local AWS.
    region, account_id
        What it says it is; the account's id is the access key that stands for it.
    """

    url: str
    region: str
    account_id: str


class TrinoServer:
    """A running server; it ends with :meth:`stop`, or with the process that started it.

    Parameters
    ----------
    endpoint
        The lake.
    work_dir
        Its folder for settings, data and log; emptied first.
    """

    def __init__(self, endpoint: LakeEndpoint, work_dir: Path) -> None:
        command = [str(find_java()), *_JVM]
        server = find_server()
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = work_dir / "server.log"
        _configure(work_dir, server, endpoint, port)
        command += [f"-Dconfig={work_dir / 'config.properties'}", "-cp", f"{server / 'lib'}{os.sep}*"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, guard.__file__, *command, "io.trino.server.TrinoServer"],
                cwd=work_dir,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C in the terminal is for Local AWS, which then stops Trino.
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """Stop it and wait until it has ended."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def _wait(self) -> None:
        client = TrinoClient(self.url)
        deadline = time.monotonic() + _START_S
        while not client.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])
                raise TrinoStartError(f"Trino did not start, see {self._log}:\n{tail}")
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _configure(work_dir: Path, server: Path, endpoint: LakeEndpoint, port: int) -> None:
    shutil.rmtree(work_dir, ignore_errors=True)
    catalogs = work_dir / "catalog"
    catalogs.mkdir(parents=True)
    _write(work_dir / "config.properties", _server_properties(work_dir, server, port))
    lake = _lake_properties(endpoint)
    # Athena knows one catalog; Trino's Hive connector sends Iceberg tables on to the other connector.
    hive = {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.iceberg-catalog-name": "iceberg",
        "hive.recursive-directories": "true",
        "hive.partition-projection-enabled": "true",
        "hive.metastore-cache-ttl": "0s",
    }
    _write(catalogs / "awsdatacatalog.properties", hive | lake)
    iceberg = {"connector.name": "iceberg", "iceberg.catalog.type": "glue"}
    _write(catalogs / "iceberg.properties", iceberg | lake)


def _server_properties(work_dir: Path, server: Path, port: int) -> dict[str, str]:
    return {
        "node.environment": "localaws",
        "node.bind-ip": "127.0.0.1",
        "node.internal-address": "127.0.0.1",
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": str(port),
        "discovery.uri": f"http://127.0.0.1:{port}",
        "plugin.dir": str(server / "plugin"),
        "catalog.config-dir": str(work_dir / "catalog"),
        "query.max-memory": f"{_HEAP_MB // 2}MB",
        "query.max-memory-per-node": f"{_HEAP_MB // 2}MB",
        "memory.heap-headroom-per-node": f"{_HEAP_MB // 4}MB",
    }


def _lake_properties(endpoint: LakeEndpoint) -> dict[str, str]:
    return {
        "hive.metastore.glue.endpoint-url": endpoint.url,
        "hive.metastore.glue.region": endpoint.region,
        "hive.metastore.glue.aws-access-key": endpoint.account_id,
        "hive.metastore.glue.aws-secret-key": "local",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": endpoint.url,
        "s3.region": endpoint.region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": endpoint.account_id,
        "s3.aws-secret-key": "local",
    }


def _write(path: Path, properties: dict[str, str]) -> None:
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")
