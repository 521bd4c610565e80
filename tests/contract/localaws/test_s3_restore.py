"""Archived objects: unreadable until they are restored, readable for some days, by the settable clock."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fixtures.delivery import START, client_of
from tests.fixtures.local_aws import LocalAws

EXPIRY = 'ongoing-request="false", expiry-date="Mon, 23 Nov 2026 00:00:00 GMT"'


@pytest.fixture
def s3(local_aws: LocalAws) -> Any:
    return boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))


def put(s3: Any, bucket: str, storage_class: str = "GLACIER") -> dict[str, str]:
    place = {"Bucket": bucket, "Key": "raw/a b+ü.json"}
    s3.put_object(**place, Body=b"{}", StorageClass=storage_class)
    return place


def request(days: int = 1, tier: str = "Standard") -> dict[str, Any]:
    return {"RestoreRequest": {"Days": days, "GlacierJobParameters": {"Tier": tier}}}


def status(answer: dict[str, Any]) -> int:
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def refusal(call: Any, **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"], status(refused.value.response)


@pytest.mark.parametrize(
    ("storage_class", "tier", "hours"),
    [
        ("GLACIER", "Expedited", 5 / 60),
        ("GLACIER", "Standard", 5),
        ("GLACIER", "Bulk", 12),
        ("DEEP_ARCHIVE", "Standard", 12),
        ("DEEP_ARCHIVE", "Bulk", 48),
    ],
)
def test_a_restore_takes_its_time_and_its_copy_expires(
    clock: LocalAws, s3: Any, bucket: str, storage_class: str, tier: str, hours: float
) -> None:
    place = put(s3, bucket, storage_class)
    assert refusal(s3.get_object, **place) == ("InvalidObjectState", 403)
    assert "Restore" not in s3.head_object(**place)
    assert status(s3.restore_object(**place, **request(days=2, tier=tier))) == 202
    ready = START + timedelta(hours=hours)
    clock.set_clock(ready - timedelta(seconds=1))
    assert s3.head_object(**place)["Restore"] == 'ongoing-request="true"'
    assert refusal(s3.get_object, **place) == ("InvalidObjectState", 403)
    clock.set_clock(ready)
    restored = s3.get_object(**place)
    assert (restored["Body"].read(), restored["StorageClass"]) == (b"{}", storage_class)
    expires = (ready + timedelta(days=3)).replace(hour=0, minute=0, second=0)
    assert restored["Restore"].endswith(f'expiry-date="{expires:%a, %d %b %Y 00:00:00 GMT}"')
    clock.set_clock(expires - timedelta(seconds=1))
    assert s3.get_object(**place)["Body"].read() == b"{}"
    clock.set_clock(expires)
    assert refusal(s3.get_object, **place) == ("InvalidObjectState", 403)
    assert "Restore" not in s3.head_object(**place)


def test_a_copy_that_is_there_can_stay_for_longer(clock: LocalAws, s3: Any, bucket: str) -> None:
    place = put(s3, bucket)
    s3.restore_object(**place, **request(days=1))
    assert refusal(s3.restore_object, **place, **request(days=9)) == ("RestoreAlreadyInProgress", 409)
    assert status(s3.restore_object(**place, **request(days=1, tier="Expedited"))) == 202
    clock.set_clock(START + timedelta(minutes=5))
    assert "2026 00:00:00" in s3.head_object(**place)["Restore"]
    assert status(s3.restore_object(**place, **request(days=2))) == 200
    assert s3.head_object(**place)["Restore"] == EXPIRY


@pytest.mark.parametrize(
    ("storage_class", "asked", "expected"),
    [
        ("STANDARD", request(), ("ObjectAlreadyInActiveTierError", 403)),
        ("GLACIER_IR", request(), ("InvalidObjectState", 403)),
        ("DEEP_ARCHIVE", request(tier="Expedited"), ("InvalidArgument", 400)),
        ("GLACIER", request(days=0), ("MalformedXML", 400)),
        ("GLACIER", request(tier="Fast"), ("MalformedXML", 400)),
        ("GLACIER", {"RestoreRequest": {}}, ("MalformedXML", 400)),
        ("GLACIER", {**request(), "VersionId": "1"}, ("NotImplemented", 501)),
        ("GLACIER", {"RestoreRequest": {"Type": "SELECT"}}, ("NotImplemented", 501)),
    ],
)
def test_what_s3_refuses_is_refused(
    s3: Any, bucket: str, storage_class: str, asked: dict[str, Any], expected: tuple[str, int]
) -> None:
    place = put(s3, bucket, storage_class)
    assert refusal(s3.restore_object, **place, **asked) == expected
    assert "Restore" not in s3.head_object(**place)


def test_what_is_not_there_cannot_be_restored(s3: Any, bucket: str) -> None:
    assert refusal(s3.restore_object, Bucket=bucket, Key="none", **request()) == ("NoSuchKey", 404)
    assert refusal(s3.restore_object, Bucket="none-such", Key="a", **request()) == ("NoSuchBucket", 404)


def test_an_archived_object_is_copied_only_when_it_is_restored(clock: LocalAws, s3: Any, bucket: str) -> None:
    place = put(s3, bucket)
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": place}
    assert refusal(s3.copy_object, **copy) == ("ObjectNotInActiveTierError", 403)
    s3.restore_object(**place, **request())
    clock.set_clock(START + timedelta(hours=5))
    s3.copy_object(**copy)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"{}"


def test_an_object_written_anew_is_not_restored(clock: LocalAws, s3: Any, bucket: str) -> None:
    place = put(s3, bucket)
    s3.restore_object(**place, **request(days=30))
    clock.set_clock(START + timedelta(hours=6))
    put(s3, bucket)
    assert refusal(s3.get_object, **place) == ("InvalidObjectState", 403)
    assert status(s3.restore_object(**place, **request())) == 202


def test_the_end_of_a_restore_is_told(clock: LocalAws, s3: Any, bucket: str) -> None:
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{bucket}"
    policy = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document})
    wanted = {"QueueArn": arn, "Events": ["s3:ObjectRestore:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [wanted]}
    )
    s3.restore_object(**put(s3, bucket), **request())
    clock.set_clock(START + timedelta(hours=5))
    clock.set_clock(START + timedelta(days=3))
    told: set[str] = set()
    deadline = time.monotonic() + 30
    while len(told) < 3 and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            told |= {each["eventName"] for each in json.loads(message["Body"]).get("Records", [])}
    assert told == {"ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete"}


def test_restores_survive_a_kill(tmp_path: Path) -> None:
    first = LocalAws.start(tmp_path)
    s3 = client_of(first.endpoint_url, "s3")
    s3.create_bucket(Bucket="lake")
    first.set_clock(START)
    place = put(s3, "lake")
    s3.restore_object(**place, **request(days=2))
    first.kill()
    second = LocalAws.start(tmp_path, int(first.endpoint_url.rpartition(":")[2]))
    try:
        second.set_clock(START + timedelta(hours=4))
        assert s3.head_object(**place)["Restore"] == 'ongoing-request="true"'
        second.set_clock(START + timedelta(hours=5))
        assert s3.get_object(**place)["Restore"] == EXPIRY
    finally:
        assert second.stop() == 0
