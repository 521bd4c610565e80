"""One port, one process: health, clock, refusal by name, taken ports, state on disk."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fixtures.local_aws import PYTHON, ROOT, LocalAws


def run_localaws(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PYTHON), "-m", "localaws", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)  # noqa: S603


def s3_of(local_aws: LocalAws):
    return boto3.client(
        "s3",
        endpoint_url=local_aws.endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
        region_name="us-east-1",
    )


def test_health_names_endpoint_and_services(local_aws: LocalAws) -> None:
    health = local_aws.page("GET", "health")
    assert health["status"] == "ok"
    assert health["endpoint"] == local_aws.endpoint_url
    assert {"AWSGlue", "Firehose_20150804"} <= health["services"].keys()


def test_clock_stands_where_it_is_set(local_aws: LocalAws) -> None:
    local_aws.set_clock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    try:
        assert local_aws.page("GET", "clock") == {"now": "2026-11-20T12:00:00+00:00"}
    finally:
        local_aws.set_clock(None)
    assert local_aws.page("GET", "clock")["now"] > "2026-11-20T12:00:01"


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("firehose", "start_delivery_stream_encryption", {"DeliveryStreamName": "s"}),
        ("dynamodb", "list_tables", {}),
        ("rds", "describe_db_instances", {}),
    ],
)
def test_what_is_not_done_is_refused(
    local_aws: LocalAws, service: str, operation: str, arguments: dict
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(boto3.client(service), operation)(**arguments)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert service in str(refused.value).lower()


def test_taken_port_is_one_clear_line(local_aws: LocalAws, tmp_path: Path) -> None:
    port = urlsplit(local_aws.endpoint_url).port
    ended = run_localaws("--port", str(port), "--data-dir", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in ended.stderr


def test_data_folder_in_use_is_one_clear_line(local_aws: LocalAws) -> None:
    ended = run_localaws("--port", "0", "--data-dir", str(local_aws.data_dir))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert str(local_aws.data_dir) in ended.stderr


@pytest.mark.parametrize("end", [LocalAws.stop, LocalAws.kill])
def test_s3_survives_a_stop_and_a_kill(tmp_path: Path, end) -> None:
    first = LocalAws.start(tmp_path)
    s3 = s3_of(first)
    s3.create_bucket(Bucket="lake")
    s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="lake", Key="a b/ü=1/x.json", Body=b"one", StorageClass="STANDARD_IA")
    s3.put_object(Bucket="lake", Key="a b/ü=1/x.json", Body=b"two", Metadata={"m": "1"})
    end(first)
    second = LocalAws.start(tmp_path)
    try:
        s3 = s3_of(second)
        found = s3.get_object(Bucket="lake", Key="a b/ü=1/x.json")
        assert found["Body"].read() == b"two"
        assert found["Metadata"] == {"m": "1"}
        versions = s3.list_object_versions(Bucket="lake")["Versions"]
        assert [version["StorageClass"] for version in versions] == ["STANDARD", "STANDARD_IA"]
        assert s3.get_bucket_versioning(Bucket="lake")["Status"] == "Enabled"
    finally:
        assert second.stop() == 0
