"""Local AWS's own speed: ``python -m bench.local_aws``, as ``make bench-aws`` calls it."""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import psutil
import pyarrow as pa
from pyarrow import parquet

from bench import local_aws_page
from bench.local_aws_page import AwsResults, Rate
from bench.wire_load import Address

_PYTHON = Path("localaws/.venv/bin/python")
_ROLE = "arn:aws:iam::000000000000:role/bench"
_BUCKET, _STREAM, _KEY = "bench", "bench", "small.json"
_ROWS, _DEVICES = 10_000_000, 5_000
_RECORD_BYTES, _OBJECT_BYTES = 120, 1000
_CONNECTIONS = 4
_POLL_S = 0.002
_SCOPE = "20260101/us-east-1/{}/aws4_request"
_AGGREGATION = """
    SELECT device, count(*) AS readings, avg(temperature_c) AS mean_c, max(temperature_c) AS max_c
    FROM bench.readings GROUP BY device ORDER BY readings DESC LIMIT 10
"""


@dataclass(frozen=True)
class Server:
    """A server process that answers."""

    endpoint_url: str
    process: psutil.Process
    start_s: float

    def client(self, service: str) -> Any:
        """Return a client of it."""
        return boto3.client(
            service,  # type: ignore[call-overload] # the stubs know names that are written out only
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
        )

    def cpu_s(self) -> float:
        """Return its CPU time so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def main() -> None:
    """Measure everything, and write the page."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        with _local_aws(scratch / "localaws") as ours, _ministack(scratch / "ministack") as theirs:
            idle_bytes = ours.process.memory_info().rss
            _prepare(ours)
            gets = _compare_gets(ours, theirs, arguments.rounds)
            small, large = _batches(ours, 1, 4000), _batches(ours, 500, 400)
            _make_table(ours, scratch / "readings.parquet")
            results = AwsResults(
                small_batches=small,
                large_batches=large,
                small_gets=gets[0],
                ministack_gets=gets[1],
                small_query_p50_ms=statistics.median(_query_times(ours, "SELECT 1 AS one", 40)) * 1000,
                aggregation_s=min(_query_times(ours, _AGGREGATION, 3)),
                aggregation_rows=_ROWS,
                start_s=ours.start_s,
                idle_bytes=idle_bytes,
            )
    local_aws_page.write(results, arguments.docs)
    for target in results.targets():
        print(f"{'met    ' if target.met else 'NOT MET'}  {target.text}: {target.reached}")
    print(f"See {arguments.docs / 'local-aws-benchmarks.md'}.")


@contextmanager
def _local_aws(folder: Path) -> Iterator[Server]:
    command = [str(_PYTHON), "-m", "localaws", "--port", str(_free_port()), "--data-dir", str(folder)]
    with _running(command, {}, int(command[4]), "/_localaws/health") as server:
        yield server


@contextmanager
def _ministack(folder: Path) -> Iterator[Server]:
    """Run ministack alone, with the settings that Local AWS gives it."""
    port = _free_port()
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "LOG_LEVEL": "WARNING",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with _running([str(_PYTHON), "-m", "ministack"], settings, port, "/_ministack/health") as server:
        yield server


@contextmanager
def _running(command: list[str], settings: dict[str, str], port: int, health: str) -> Iterator[Server]:
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL
    )
    try:
        endpoint_url = f"http://127.0.0.1:{port}"
        _wait_for(f"{endpoint_url}{health}", process)
        yield Server(endpoint_url, psutil.Process(process.pid), time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it answered")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _prepare(server: Server) -> None:
    server.client("s3").create_bucket(Bucket=_BUCKET)
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName=_STREAM,
        ExtendedS3DestinationConfiguration={"RoleARN": _ROLE, "BucketARN": f"arn:aws:s3:::{_BUCKET}"},
    )


def _batches(server: Server, records: int, count: int) -> Rate:
    data = base64.b64encode(b"x" * _RECORD_BYTES).decode()
    body = json.dumps({"DeliveryStreamName": _STREAM, "Records": [{"Data": data}] * records}).encode()
    address = Address.of(server.endpoint_url)
    headers = {**_signed("firehose"), "x-amz-target": "Firehose_20150804.PutRecordBatch"}
    request = address.request("POST /", {**headers, "content-type": "application/x-amz-json-1.1"}, body)
    return _rate(server, lambda sent: address.rate(request, sent, _CONNECTIONS), count)


def _compare_gets(ours: Server, theirs: Server, rounds: int) -> tuple[Rate, Rate]:
    """Read a small object from both in turn, so that a noisy machine is noisy for both."""
    if not theirs.client("s3").list_buckets()["Buckets"]:
        theirs.client("s3").create_bucket(Bucket=_BUCKET)
    found: list[list[Rate]] = [[], []]
    for _ in range(rounds):
        for server, rates in zip((ours, theirs), found, strict=True):
            server.client("s3").put_object(Bucket=_BUCKET, Key=_KEY, Body=b"x" * _OBJECT_BYTES)
            rates.append(_gets(server, 1000))
    ours_found, theirs_found = (sorted(rates, key=_speed)[len(rates) // 2] for rates in found)
    return ours_found, theirs_found


def _speed(rate: Rate) -> float:
    return rate.a_second


def _gets(server: Server, count: int) -> Rate:
    address = Address.of(server.endpoint_url)
    request = address.request(f"GET /{_BUCKET}/{_KEY}", _signed("s3"))
    return _rate(server, lambda sent: address.rate(request, sent, _CONNECTIONS), count)


def _rate(server: Server, send: Callable[[int], float], count: int) -> Rate:
    send(count // 10)
    before_s = server.cpu_s()
    a_second = send(count)
    return Rate(a_second, (server.cpu_s() - before_s) / count * 1000)


def _signed(service: str) -> dict[str, str]:
    credential = f"test/{_SCOPE.format(service)}"
    value = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
    return {"authorization": value}


def _make_table(server: Server, path: Path) -> None:
    numbers = np.arange(_ROWS, dtype=np.int64)
    names = pa.array([f"device-{number}" for number in range(_DEVICES)])
    devices = pa.DictionaryArray.from_arrays(numbers * 7919 % _DEVICES, names)
    parquet.write_table(pa.table({"device": devices, "temperature_c": numbers % 400 / 10}), path)
    server.client("s3").upload_file(str(path), _BUCKET, "readings/readings.parquet")
    columns = [{"Name": "device", "Type": "string"}, {"Name": "temperature_c", "Type": "double"}]
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "bench"})
    glue.create_table(
        DatabaseName="bench",
        TableInput={
            "Name": "readings",
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {
                "Columns": columns,
                "Location": f"s3://{_BUCKET}/readings/",
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                },
            },
        },
    )


def _query_times(server: Server, sql: str, times: int) -> list[float]:
    athena = server.client("athena")
    _query(athena, sql)
    found = []
    for _ in range(times):
        started = time.perf_counter()
        _query(athena, sql)
        found.append(time.perf_counter() - started)
    return found


def _query(athena: Any, sql: str) -> None:
    """Run a query from its start to its rows, as a client does."""
    output = {"OutputLocation": f"s3://{_BUCKET}/results/"}
    started = athena.start_query_execution(QueryString=sql, ResultConfiguration=output)
    execution = {"QueryExecutionId": started["QueryExecutionId"]}
    while True:
        status = athena.get_query_execution(**execution)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            athena.get_query_results(**execution)
            return
        if status["State"] in ("FAILED", "CANCELLED"):
            raise RuntimeError(f"{sql}: {status.get('StateChangeReason')}")
        time.sleep(_POLL_S)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.local_aws", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the comparison (default 5)")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the page goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
