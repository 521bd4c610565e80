"""Firehose with Kinesis as source: from now on, over every shard, and from the checkpoint after a kill."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fixtures.delivery import ROLE, START, client_of
from tests.fixtures.local_aws import LocalAws


@pytest.fixture
def source(local_aws: LocalAws) -> str:
    name = f"source-{uuid.uuid4().hex[:8]}"
    boto3.client("kinesis").create_stream(StreamName=name, ShardCount=2)
    return name


def create(firehose: Any, source: str, bucket: str) -> str:
    name = f"s-{uuid.uuid4().hex[:8]}"
    firehose.create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{source}",
            "RoleARN": ROLE,
        },
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        },
    )
    return name


def put(kinesis: Any, source: str, *records: bytes) -> None:
    kinesis.put_records(
        StreamName=source,
        Records=[{"Data": data, "PartitionKey": str(number)} for number, data in enumerate(records)],
    )


def delivered(s3: Any, bucket: str) -> list[bytes]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    bodies = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed]
    return sorted(record for body in bodies for record in body.split(b";") if record)


def numbered(first: int, last: int) -> list[bytes]:
    return [b"%05d" % number for number in range(first, last)]


def test_what_is_put_from_now_on_is_delivered(clock: LocalAws, bucket: str, source: str) -> None:
    kinesis, firehose, s3 = (boto3.client(name) for name in ("kinesis", "firehose", "s3"))
    put(kinesis, source, b"before;")
    time.sleep(0.002)  # Kinesis dates records in milliseconds
    stream = create(firehose, source, bucket)
    put(kinesis, source, *(record + b";" for record in numbered(0, 40)))
    clock.set_clock(START + timedelta(seconds=60))
    assert delivered(s3, bucket) == numbered(0, 40)
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    assert described["DeliveryStreamType"] == "KinesisStreamAsSource"
    arn = described["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"]
    assert arn.endswith(f"stream/{source}")
    listed = firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource", Limit=1000)
    assert stream in listed["DeliveryStreamNames"]


def test_what_would_lose_records_is_refused(local_aws: LocalAws, source: str) -> None:
    kinesis = boto3.client("kinesis")
    put(kinesis, source, b"kept;")
    [shard, other] = (each["ShardId"] for each in kinesis.list_shards(StreamName=source)["Shards"])
    refused = (
        lambda: kinesis.split_shard(StreamName=source, ShardToSplit=shard, NewStartingHashKey="5"),
        lambda: kinesis.merge_shards(StreamName=source, ShardToMerge=shard, AdjacentShardToMerge=other),
        lambda: kinesis.update_shard_count(
            StreamName=source, TargetShardCount=4, ScalingType="UNIFORM_SCALING"
        ),
    )
    for call in refused:
        with pytest.raises(ClientError, match="UnknownOperationException"):
            call()
    assert len(kinesis.list_shards(StreamName=source)["Shards"]) == 2


def test_direct_puts_and_missing_sources_are_refused(local_aws: LocalAws, bucket: str, source: str) -> None:
    firehose = boto3.client("firehose")
    stream = create(firehose, source, bucket)
    with pytest.raises(ClientError, match=r"InvalidArgumentException.*not permitted"):
        firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        create(firehose, "nobody", bucket)


def test_reading_goes_on_after_a_stop_where_it_was(tmp_path: Path) -> None:
    first = LocalAws.start(tmp_path)
    kinesis, firehose, s3 = (client_of(first.endpoint_url, name) for name in ("kinesis", "firehose", "s3"))
    s3.create_bucket(Bucket="lake")
    kinesis.create_stream(StreamName="source", ShardCount=1)
    stream = create(firehose, "source", "lake")
    put(kinesis, "source", *(record + b";" for record in numbered(0, 20)))
    assert first.stop() == 0
    port = int(first.endpoint_url.rpartition(":")[2])
    second = LocalAws.start(tmp_path, port)
    try:
        put(kinesis, "source", *(record + b";" for record in numbered(20, 30)))
        second.set_clock(datetime.now(UTC) + timedelta(hours=1))
        assert delivered(s3, "lake") == numbered(0, 30)
        assert stream in firehose.list_delivery_streams()["DeliveryStreamNames"]
    finally:
        assert second.stop() == 0
