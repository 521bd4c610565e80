"""What was answered is still there after a kill: settings of ministack's services, and Firehose's reading."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.fixtures.delivery import client_of
from tests.fixtures.local_aws import LocalAws

ROLE = "arn:aws:iam::000000000000:role/reader"
TRUST = {"Version": "2012-10-17", "Statement": []}
SOURCE = "arn:aws:kinesis:us-east-1:000000000000:stream/source"


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return event['n'] + 1\n")
    return made.getvalue()


def raw(s3: Any) -> bytes:
    listed = s3.list_objects_v2(Bucket="lake").get("Contents", [])
    return b"".join(s3.get_object(Bucket="lake", Key=each["Key"])["Body"].read() for each in listed)


def test_settings_and_sources_survive_a_kill(tmp_path: Path) -> None:
    first = LocalAws.start(tmp_path)
    s3, iam, kms, function, kinesis, firehose = (
        client_of(first.endpoint_url, name) for name in ("s3", "iam", "kms", "lambda", "kinesis", "firehose")
    )
    s3.create_bucket(Bucket="lake")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    function.create_function(
        FunctionName="next",
        Runtime="python3.11",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": archive()},
    )
    kinesis.create_stream(StreamName="source", ShardCount=1)
    firehose.create_delivery_stream(
        DeliveryStreamName="s",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": SOURCE, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"},
    )
    kinesis.put_record(StreamName="source", Data=b"before;", PartitionKey="1")
    # Setting the clock reads the source to its end, and delivers nothing that is not due.
    first.set_clock(datetime.now(UTC))
    first.kill()
    second = LocalAws.start(tmp_path, int(first.endpoint_url.rpartition(":")[2]))
    try:
        assert iam.get_role(RoleName="reader")["Role"]["Arn"] == ROLE
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key
        assert json.load(function.invoke(FunctionName="next", Payload=b'{"n": 41}')["Payload"]) == 42
        kinesis.put_record(StreamName="source", Data=b"after;", PartitionKey="1")
        second.set_clock(datetime.now(UTC) + timedelta(hours=1))
        assert raw(s3) == b"before;after;"
    finally:
        assert second.stop() == 0
