"""S3: lifecycle rules that come back as given and act, and subresources that never destroy."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localaws.s3.operations import SUBRESOURCES, check
from localaws.service import AwsError
from tests.fixtures.local_aws import LocalAws

START = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
LARGE = b"x" * (128 * 1024)
MODEL = botocore.session.get_session().get_service_model("s3")


@pytest.fixture
def s3(local_aws: LocalAws):
    return boto3.client("s3", config=Config(retries={"total_max_attempts": 1}, parameter_validation=False))


@pytest.fixture
def bucket(s3) -> str:
    name = f"lake-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def clock(local_aws: LocalAws) -> Iterator[LocalAws]:
    local_aws.set_clock(START)
    yield local_aws
    local_aws.set_clock(None)


def put_rules(s3, bucket: str, *rules: dict, **more) -> None:
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)}, **more
    )


def rule(**more) -> dict:
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **more}


def classes(s3, bucket: str) -> dict[str, str]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: each["StorageClass"] for each in listed}


def moves(local_aws: LocalAws, bucket: str) -> list[tuple[str, str, str]]:
    log = local_aws.page("GET", "lifecycle/log")["moves"]
    return [(each["key"], each["was"], each["became"]) for each in log if each["bucket"] == bucket]


def test_configuration_comes_back_as_it_was_given(s3, bucket: str) -> None:
    rules = [
        {
            "ID": "tiers",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": "raw/",
                    "Tags": [{"Key": "team", "Value": "menu"}, {"Key": "keep", "Value": ""}],
                    "ObjectSizeGreaterThan": 1,
                    "ObjectSizeLessThan": 10**9,
                }
            },
            "Transitions": [
                {"Days": 30, "StorageClass": "STANDARD_IA"},
                {"Days": 90, "StorageClass": "GLACIER_IR"},
                {"Days": 180, "StorageClass": "DEEP_ARCHIVE"},
            ],
            "Expiration": {"Days": 730},
            "NoncurrentVersionTransitions": [
                {"NoncurrentDays": 30, "StorageClass": "STANDARD_IA", "NewerNoncurrentVersions": 2}
            ],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 60, "NewerNoncurrentVersions": 3},
        },
        {
            "ID": "t",
            "Status": "Disabled",
            "Filter": {"Tag": {"Key": "a", "Value": "b"}},
            "Expiration": {"Days": 1},
        },
        {"ID": "s", "Status": "Enabled", "Filter": {"ObjectSizeLessThan": 5}, "Expiration": {"Days": 2}},
        {
            "ID": "uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "markers",
            "Status": "Enabled",
            "Filter": {},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        },
        {
            "ID": "date",
            "Status": "Enabled",
            "Filter": {"Prefix": "old/"},
            "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)},
        },
    ]
    put_rules(s3, bucket, *rules, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert found["Rules"] == rules
    assert found["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"


def test_a_rule_without_id_gets_one_and_a_deleted_bucket_takes_its_rules_along(s3, bucket: str) -> None:
    put_rules(s3, bucket, {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}})
    [found] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert found["ID"]
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"Transitions": [{"Days": 29, "StorageClass": "STANDARD_IA"}]}, "InvalidArgument"),
        ({"Transitions": [{"Days": 1, "StorageClass": "WARM"}]}, "MalformedXML"),
        (
            {
                "Transitions": [
                    {"Days": 30, "StorageClass": "STANDARD_IA"},
                    {"Days": 59, "StorageClass": "GLACIER"},
                ]
            },
            "InvalidArgument",
        ),
        (
            {"Transitions": [{"Days": 40, "StorageClass": "GLACIER"}], "Expiration": {"Days": 40}},
            "InvalidArgument",
        ),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, "MalformedXML"),
        ({"Expiration": {"Date": "2030-01-01T01:00:00Z"}}, "InvalidArgument"),
        ({}, "InvalidRequest"),
        ({"Expiration": {"Days": 1}, "Status": "On"}, "MalformedXML"),
        ({"Expiration": {"Days": 1}, "Filter": None}, "MalformedXML"),
        ({"Expiration": {"Days": 1}, "ID": "x" * 256}, "InvalidArgument"),
        (
            {
                "Filter": {"Tag": {"Key": "a", "Value": "b"}},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            },
            "InvalidRequest",
        ),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 0}}, "InvalidArgument"),
    ],
)
def test_what_aws_refuses_is_refused_and_changes_nothing(s3, bucket: str, broken: dict, code: str) -> None:
    kept = rule(Expiration={"Days": 9})
    put_rules(s3, bucket, kept)
    wanted = {key: value for key, value in rule(**broken).items() if value is not None}
    with pytest.raises(ClientError) as refused:
        put_rules(s3, bucket, wanted)
    assert refused.value.response["Error"]["Code"] == code
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [kept]


def test_duplicate_ids_are_refused(s3, bucket: str) -> None:
    with pytest.raises(ClientError, match="unique"):
        put_rules(s3, bucket, rule(Expiration={"Days": 1}), rule(Expiration={"Days": 2}))


def test_objects_go_down_the_tiers_and_end(clock: LocalAws, s3, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="raw/large", Body=LARGE)
    s3.put_object(Bucket=bucket, Key="raw/small", Body=b"x")
    s3.put_object(Bucket=bucket, Key="other/large", Body=LARGE)
    tiers = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]
    put_rules(s3, bucket, rule(Filter={"Prefix": "raw/"}, Transitions=tiers, Expiration={"Days": 365}))
    clock.set_clock(datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    assert set(classes(s3, bucket).values()) == {"STANDARD"}
    clock.set_clock(datetime(2026, 2, 1, tzinfo=UTC))
    expected = {"raw/large": "STANDARD_IA", "raw/small": "STANDARD", "other/large": "STANDARD"}
    assert classes(s3, bucket) == expected
    assert s3.head_object(Bucket=bucket, Key="raw/large")["StorageClass"] == "STANDARD_IA"
    clock.set_clock(START + timedelta(days=200))
    assert classes(s3, bucket) == {**expected, "raw/large": "GLACIER"}
    with pytest.raises(ClientError, match="InvalidObjectState"):
        s3.get_object(Bucket=bucket, Key="raw/large")
    clock.set_clock(START + timedelta(days=400))
    assert list(classes(s3, bucket)) == ["other/large"]
    assert moves(clock, bucket) == [
        ("raw/large", "STANDARD", "STANDARD_IA"),
        ("raw/large", "STANDARD_IA", "GLACIER"),
        ("raw/large", "GLACIER", "EXPIRED"),
        ("raw/small", "STANDARD", "EXPIRED"),
    ]


def test_one_jump_does_what_small_steps_do(clock: LocalAws, s3, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE)
    tiers = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]
    put_rules(s3, bucket, rule(Transitions=tiers))
    clock.set_clock(START + timedelta(days=1000))
    assert moves(clock, bucket) == [("k", "STANDARD", "STANDARD_IA"), ("k", "STANDARD_IA", "GLACIER")]


def test_tags_sizes_and_small_objects_by_rule(clock: LocalAws, s3, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="tagged", Body=LARGE, Tagging="tier=cold")
    s3.put_object(Bucket=bucket, Key="untagged", Body=LARGE)
    s3.put_object(Bucket=bucket, Key="small", Body=b"xx")
    to_infrequent = [{"Days": 30, "StorageClass": "STANDARD_IA"}]
    by_tag = {"Tag": {"Key": "tier", "Value": "cold"}}
    by_size = {"And": {"Prefix": "", "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 3}}
    put_rules(
        s3,
        bucket,
        rule(ID="tag", Filter=by_tag, Transitions=to_infrequent),
        rule(ID="size", Filter=by_size, Transitions=to_infrequent),
    )
    clock.set_clock(START + timedelta(days=40))
    assert classes(s3, bucket) == {"tagged": "STANDARD_IA", "untagged": "STANDARD", "small": "STANDARD_IA"}


def test_noncurrent_versions_markers_and_uploads(clock: LocalAws, s3, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(4):
        s3.put_object(Bucket=bucket, Key="k", Body=LARGE + bytes([number]))
    s3.create_multipart_upload(Bucket=bucket, Key="u")
    put_rules(
        s3,
        bucket,
        rule(
            NoncurrentVersionTransitions=[{"NoncurrentDays": 30, "StorageClass": "STANDARD_IA"}],
            NoncurrentVersionExpiration={"NoncurrentDays": 60, "NewerNoncurrentVersions": 1},
            AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7},
        ),
        rule(ID="markers", Expiration={"ExpiredObjectDeleteMarker": True}),
    )
    clock.set_clock(START + timedelta(days=40))
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [each["StorageClass"] for each in versions] == ["STANDARD"] + ["STANDARD_IA"] * 3
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    clock.set_clock(START + timedelta(days=90))
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [each["IsLatest"] for each in versions] == [True, False]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == LARGE + bytes([3])
    s3.delete_object(Bucket=bucket, Key="k")
    for version in versions:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version["VersionId"])
    assert len(s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]) == 1
    clock.set_clock(START + timedelta(days=91))
    assert "DeleteMarkers" not in s3.list_object_versions(Bucket=bucket)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(age_days=st.integers(min_value=0, max_value=120), days=st.integers(min_value=1, max_value=100))
def test_expiry_is_due_at_the_next_midnight(
    clock: LocalAws, s3, bucket: str, age_days: int, days: int
) -> None:
    clock.set_clock(START)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    put_rules(s3, bucket, rule(Expiration={"Days": days}))
    clock.set_clock(START + timedelta(days=age_days))
    assert ("k" in classes(s3, bucket)) is (age_days <= days)


def test_objects_are_dated_by_the_clock(clock: LocalAws, s3, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["LastModified"] == START


def subresource_of(operation: str) -> str:
    uri = MODEL.operation_model(operation).http["requestUri"]
    parameters = [part.partition("=")[0] for part in uri.partition("?")[2].split("&")]
    return next((name for name in parameters if name in SUBRESOURCES), "")


def is_refused(operation: str) -> bool:
    http = MODEL.operation_model(operation).http
    has_key = "{Key" in http["requestUri"]
    try:
        check(http["method"], has_key, [subresource_of(operation)])
    except AwsError:
        return True
    return False


REFUSED = [operation for operation in MODEL.operation_names if is_refused(operation)]


@pytest.mark.parametrize("operation", REFUSED)
def test_unhandled_subresources_answer_501_and_destroy_nothing(s3, bucket: str, operation: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    members = MODEL.operation_model(operation).input_shape.members
    needed = {"Bucket": bucket, "Key": "k", "Id": "x", "AnnotationName": "a", "RenameSource": "/k"}
    with pytest.raises(ClientError) as refused:
        getattr(s3, xform_name(operation))(**{name: needed[name] for name in needed.keys() & members.keys()})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert subresource_of(operation) in str(refused.value)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def test_every_subresource_of_the_api_is_known() -> None:
    uris = [MODEL.operation_model(name).http["requestUri"] for name in MODEL.operation_names]
    parameters = {part.partition("=")[0] for uri in uris for part in uri.partition("?")[2].split("&") if part}
    assert parameters - {"list-type", "select-type"} <= SUBRESOURCES
