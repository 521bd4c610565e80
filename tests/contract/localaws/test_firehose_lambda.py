"""Firehose through a real Lambda function: kept, dropped, failed and unanswered records."""

from __future__ import annotations

import base64
import io
import json
import re
import uuid
import zipfile
from datetime import timedelta

import boto3
import pytest

from tests.fixtures.delivery import ROLE, START
from tests.fixtures.local_aws import LocalAws

FUNCTION = """
import base64

def transform(record):
    text = base64.b64decode(record["data"]).decode()
    result = {"keep": "Ok", "drop": "Dropped", "fail": "ProcessingFailed"}.get(text.split(":")[0], "Ok")
    data = base64.b64encode(text.upper().encode()).decode()
    return {"recordId": record["recordId"], "result": result, "data": data}

def handler(event, context):
    texts = [base64.b64decode(record["data"]).decode() for record in event["records"]]
    if any(text.startswith("crash") for text in texts):
        raise ValueError("no such luck")
    assert event["deliveryStreamArn"] and event["region"] and event["invocationId"]
    answered = [record for record, text in zip(event["records"], texts) if not text.startswith("lose")]
    return {"records": [transform(record) for record in answered]}
"""


@pytest.fixture(scope="module")
def function_arn(local_aws: LocalAws) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", FUNCTION)
    created = boto3.client("lambda").create_function(
        FunctionName=f"transform-{uuid.uuid4().hex[:8]}",
        Runtime="python3.11",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    return created["FunctionArn"]


def deliver(clock: LocalAws, bucket: str, function_arn: str, *records: bytes) -> dict[str, bytes]:
    firehose, s3 = boto3.client("firehose"), boto3.client("s3")
    stream = f"s-{uuid.uuid4().hex[:8]}"
    parameters = {"LambdaArn": function_arn, "NumberOfRetries": "1"}
    processor = {
        "Type": "Lambda",
        "Parameters": [{"ParameterName": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    destination = {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "Prefix": "data/",
        "ErrorOutputPrefix": "errors/",
        "ProcessingConfiguration": {"Enabled": True, "Processors": [processor]},
    }
    firehose.create_delivery_stream(DeliveryStreamName=stream, ExtendedS3DestinationConfiguration=destination)
    firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": data} for data in records])
    clock.set_clock(START + timedelta(minutes=10))
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}


def failures(body: bytes) -> list[tuple[bytes, str]]:
    lines = [json.loads(line) for line in body.splitlines()]
    return [(base64.b64decode(line["rawData"]), line["errorCode"]) for line in lines]


def test_each_record_ends_where_its_result_says(clock: LocalAws, bucket: str, function_arn: str) -> None:
    found = deliver(clock, bucket, function_arn, b"keep:1", b"drop:2", b"fail:3", b"lose:4", b"keep:5")
    data_key, failed_key = sorted(found)
    assert data_key.startswith("data/2026/11/20/13/")
    assert found[data_key] == b"KEEP:1KEEP:5"
    assert re.match(
        r"errors/processing-failed/2026/11/20/13/s-[0-9a-f]{8}-1-2026-11-20-13-59-30-", failed_key
    )
    assert failures(found[failed_key]) == [
        (b"fail:3", "Lambda.ProcessingFailedStatus"),
        (b"lose:4", "Lambda.MissingRecordId"),
    ]
    first = json.loads(found[failed_key].splitlines()[0])
    assert first["arrivalTimestamp"] == START.timestamp() * 1000
    assert first["lambdaArn"] == function_arn
    assert first["attemptsMade"] == 1


@pytest.mark.parametrize("broken", ["crash", "missing"])
def test_a_function_that_fails_loses_no_record(
    clock: LocalAws, bucket: str, function_arn: str, broken: str
) -> None:
    arn = function_arn if broken == "crash" else f"{function_arn}-gone"
    found = deliver(clock, bucket, arn, b"crash:1", b"keep:2")
    [(key, body)] = found.items()
    assert key.startswith("errors/processing-failed/")
    code = "Lambda.FunctionError" if broken == "crash" else "Lambda.ResourceNotFound"
    assert failures(body) == [(b"crash:1", code), (b"keep:2", code)]
    assert json.loads(body.splitlines()[0])["attemptsMade"] == 2
