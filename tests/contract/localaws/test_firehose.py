"""Firehose through boto3: buffering, names, limits, faults, and nothing lost."""

from __future__ import annotations

import gzip
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.delivery import ROLE, START, client_of
from tests.fixtures.local_aws import LocalAws

BATCHES = st.lists(st.binary(min_size=1, max_size=64), min_size=1, max_size=20)
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def client():
    return boto3.client(
        "firehose", config=Config(parameter_validation=False, retries={"total_max_attempts": 1})
    )


def create(bucket: str, name: str | None = None, **destination) -> str:
    name = name or f"stream-{uuid.uuid4().hex[:8]}"
    destination = {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", **destination}
    client().create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination)
    return name


def put(stream: str, *records: bytes) -> dict:
    return client().put_record_batch(DeliveryStreamName=stream, Records=[{"Data": data} for data in records])


def objects(bucket: str) -> dict[str, bytes]:
    s3 = boto3.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in listed}


def clock_now(local_aws: LocalAws) -> datetime:
    return datetime.fromisoformat(local_aws.page("GET", "clock")["now"])


def refused_code(call, **arguments) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_object_is_named_and_filled_as_aws_does(clock: LocalAws, bucket: str) -> None:
    stream = create(bucket, "menu-clicks-1", Prefix="menu_clicks/", BufferingHints={"IntervalInSeconds": 60})
    put(stream, b'{"a":1}', b'{"a":2}')
    clock.set_clock(START + timedelta(seconds=59))
    put(stream, b'{"a":3}')
    assert objects(bucket) == {}
    clock.set_clock(START + timedelta(seconds=60))
    [(key, body)] = objects(bucket).items()
    assert re.fullmatch(rf"menu_clicks/2026/11/20/13/menu-clicks-1-1-2026-11-20-13-59-30-{UUID}", key)
    assert body == b'{"a":1}{"a":2}{"a":3}'


def test_due_buffers_come_in_time_order(clock: LocalAws, bucket: str) -> None:
    first = create(bucket, Prefix="a/", BufferingHints={"IntervalInSeconds": 900})
    second = create(bucket, Prefix="b/", BufferingHints={"IntervalInSeconds": 60})
    put(first, b"early")
    clock.set_clock(START + timedelta(seconds=10))
    put(second, b"late")
    clock.set_clock(START + timedelta(hours=1))
    listed = boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert {item["Key"][:2] for item in listed} == {"a/", "b/"}
    by_age = sorted(listed, key=lambda item: item["LastModified"])
    assert [item["Key"][:2] for item in by_age] == ["a/", "b/"]


def test_gzip_delimiter_zone_and_expressions(clock: LocalAws, bucket: str) -> None:
    stream = create(
        bucket,
        Prefix="z/dt=!{timestamp:yyyy-MM-dd}/h=!{timestamp:HH}/!{firehose:random-string}/",
        ErrorOutputPrefix="e/!{firehose:error-output-type}/",
        CompressionFormat="GZIP",
        CustomTimeZone="Asia/Tokyo",
        BufferingHints={"IntervalInSeconds": 0},
        ProcessingConfiguration={
            "Enabled": True,
            "Processors": [
                {
                    "Type": "AppendDelimiterToRecord",
                    "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}],
                }
            ],
        },
    )
    put(stream, b"1", b"2")
    clock.set_clock(START)
    [(key, body)] = objects(bucket).items()
    assert re.fullmatch(
        rf"z/dt=2026-11-20/h=22/[A-Za-z0-9]{{11}}/{stream}-1-2026-11-20-22-59-30-{UUID}\.gz", key
    )
    assert gzip.decompress(body) == b"1\n2\n"
    head = boto3.client("s3").head_object(Bucket=bucket, Key=key)
    assert (head["ContentType"], head["ContentEncoding"]) == ("application/octet-stream", "gzip")


def test_full_buffer_does_not_wait(local_aws: LocalAws, bucket: str) -> None:
    stream = create(bucket, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    record = b"x" * 1024 * 300
    for _ in range(2):
        put(stream, record, record, record, record)
    waiter = boto3.client("s3").get_paginator("list_objects_v2")
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    while datetime.now(UTC) < deadline:
        sizes = [item["Size"] for page in waiter.paginate(Bucket=bucket) for item in page.get("Contents", [])]
        if len(sizes) == 2:
            break
    assert sizes == [4 * len(record)] * 2


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(st.binary(min_size=1, max_size=64), min_size=1, max_size=20), min_size=1, max_size=5
    ),
    fail_share=st.sampled_from([0.0, 0.3, 0.9]),
)
def test_every_record_is_delivered_once_or_reported(
    clock: LocalAws, bucket: str, batches: list[list[bytes]], fail_share: float
) -> None:
    stream = create(bucket, Prefix=f"{uuid.uuid4().hex}/")
    clock.set_faults({"firehose.PutRecordBatch": {"fail_share": fail_share}})
    accepted = []
    try:
        for batch in batches:
            answer = put(stream, *batch)
            ok = [
                data
                for data, each in zip(batch, answer["RequestResponses"], strict=True)
                if "RecordId" in each
            ]
            assert answer["FailedPutCount"] == len(batch) - len(ok)
            accepted += ok
    finally:
        clock.set_faults({})
    prefix = client().describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"][
        "Destinations"
    ][0]["ExtendedS3DestinationDescription"]["Prefix"]
    clock.set_clock(clock_now(clock) + timedelta(hours=1))
    delivered = b"".join(body for key, body in objects(bucket).items() if key.startswith(prefix))
    assert delivered == b"".join(accepted)


def test_limits_are_those_of_aws(local_aws: LocalAws, bucket: str) -> None:
    stream = create(bucket)
    put_batch = client().put_record_batch
    many = [{"Data": b"x"}] * 501
    assert refused_code(put_batch, DeliveryStreamName=stream, Records=many) == "ValidationException"
    assert refused_code(put_batch, DeliveryStreamName=stream, Records=[]) == "ValidationException"
    big = {"Data": b"x" * (1000 * 1024 + 1)}
    assert refused_code(client().put_record, DeliveryStreamName=stream, Record=big) == "ValidationException"
    assert client().put_record(DeliveryStreamName=stream, Record={"Data": b"x" * 1000 * 1024})["RecordId"]
    heavy = [{"Data": b"x" * 1000 * 1024}] * 5
    assert refused_code(put_batch, DeliveryStreamName=stream, Records=heavy) == "InvalidArgumentException"
    missing = refused_code(put_batch, DeliveryStreamName="nobody", Records=[{"Data": b"x"}])
    assert missing == "ResourceNotFoundException"
    bad_name = refused_code(put_batch, DeliveryStreamName="no body", Records=[{"Data": b"x"}])
    assert bad_name == "ValidationException"


@pytest.mark.parametrize(
    "destination",
    [
        {"CompressionFormat": "Snappy"},
        {"Prefix": "!{partitionKeyFromQuery:x}/", "ErrorOutputPrefix": "e/"},
        {"Prefix": "!{timestamp:yyyy}/"},
        {"Prefix": "!{firehose:error-output-type}/", "ErrorOutputPrefix": "e/"},
        {"S3BackupMode": "Enabled"},
        {"DataFormatConversionConfiguration": {"Enabled": True}},
        {"CustomTimeZone": "Mars/Olympus"},
    ],
)
def test_what_is_not_done_is_refused_and_leaves_no_stream(
    local_aws: LocalAws, bucket: str, destination: dict
) -> None:
    name = f"refused-{uuid.uuid4().hex[:8]}"
    with pytest.raises(ClientError, match="InvalidArgumentException"):
        create(bucket, name, **destination)
    assert (
        refused_code(client().describe_delivery_stream, DeliveryStreamName=name)
        == "ResourceNotFoundException"
    )


def test_update_destination_compares_and_counts_versions(clock: LocalAws, bucket: str) -> None:
    stream = create(bucket)
    firehose = client()
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    arguments = {
        "DeliveryStreamName": stream,
        "CurrentDeliveryStreamVersionId": described["VersionId"],
        "DestinationId": described["Destinations"][0]["DestinationId"],
        "ExtendedS3DestinationUpdate": {"Prefix": "new/", "FileExtension": ".json"},
    }
    firehose.update_destination(**arguments)
    assert refused_code(firehose.update_destination, **arguments) == "ConcurrentModificationException"
    put(stream, b"{}")
    clock.set_clock(START + timedelta(hours=1))
    [key] = objects(bucket)
    assert re.fullmatch(rf"new/2026/11/20/13/{stream}-2-2026-11-20-13-59-30-{UUID}\.json", key)


def test_streams_are_listed_tagged_and_not_made_twice(local_aws: LocalAws, bucket: str) -> None:
    stream = create(bucket)
    assert stream in client().list_delivery_streams(Limit=10000)["DeliveryStreamNames"]
    with pytest.raises(ClientError, match="ResourceInUseException"):
        create(bucket, stream)
    client().tag_delivery_stream(DeliveryStreamName=stream, Tags=[{"Key": "team", "Value": "menu"}])
    tags = client().list_tags_for_delivery_stream(DeliveryStreamName=stream)["Tags"]
    assert tags == [{"Key": "team", "Value": "menu"}]
    client().untag_delivery_stream(DeliveryStreamName=stream, TagKeys=["team"])
    assert client().list_tags_for_delivery_stream(DeliveryStreamName=stream)["Tags"] == []


def test_deleted_stream_still_delivers_and_its_name_is_free(clock: LocalAws, bucket: str) -> None:
    stream = create(bucket, Prefix="old/")
    put(stream, b"last words")
    client().delete_delivery_stream(DeliveryStreamName=stream)
    create(bucket, stream, Prefix="new/")
    deadline = time.monotonic() + 60
    while not objects(bucket) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [(key[:4], body) for key, body in objects(bucket).items()] == [("old/", b"last words")]


def test_missing_bucket_loses_nothing(clock: LocalAws) -> None:
    bucket = f"later-{uuid.uuid4().hex[:12]}"
    stream = create(bucket, BufferingHints={"IntervalInSeconds": 1})
    put(stream, b"one")
    clock.set_clock(START + timedelta(seconds=2))
    put(stream, b"two")
    clock.set_clock(START + timedelta(seconds=4))
    boto3.client("s3").create_bucket(Bucket=bucket)
    clock.set_clock(START + timedelta(seconds=5))
    assert sorted(objects(bucket).values()) == [b"one", b"two"]


@pytest.mark.parametrize("end", [LocalAws.stop, LocalAws.kill])
def test_buffers_survive_a_stop_and_a_kill(tmp_path: Path, end) -> None:
    first = LocalAws.start(tmp_path)
    firehose = client_of(first.endpoint_url, "firehose")
    client_of(first.endpoint_url, "s3").create_bucket(Bucket="lake")
    destination = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
    firehose.create_delivery_stream(DeliveryStreamName="s", ExtendedS3DestinationConfiguration=destination)
    for number in range(20):
        firehose.put_record(DeliveryStreamName="s", Record={"Data": b"%d;" % number})
    end(first)
    second = LocalAws.start(tmp_path)
    try:
        second.set_clock(datetime.now(UTC) + timedelta(hours=1))
        s3 = client_of(second.endpoint_url, "s3")
        [listed] = s3.list_objects_v2(Bucket="lake")["Contents"]
        body = s3.get_object(Bucket="lake", Key=listed["Key"])["Body"].read()
        assert body == b"".join(b"%d;" % number for number in range(20))
    finally:
        assert second.stop() == 0
