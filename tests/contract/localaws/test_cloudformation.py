"""Stacks make their resources in the same services that everyone reads, and drop nothing silently."""

from __future__ import annotations

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fixtures.local_aws import LocalAws

ROLE = "arn:aws:iam::000000000000:role/r"


def template(name: str, *, days: str = "400") -> dict:
    lifecycle = {
        "Rules": [
            {
                "Id": "tiers",
                "Status": "Enabled",
                "Prefix": "raw/",
                "TagFilters": [{"Key": "team", "Value": "menu"}],
                "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": "30"}],
                "ExpirationInDays": days,
                "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            }
        ]
    }
    encryption = {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    }
    stream = {
        "DeliveryStreamName": name,
        "ExtendedS3DestinationConfiguration": {
            "BucketARN": {"Fn::GetAtt": ["Bucket", "Arn"]},
            "RoleARN": ROLE,
            "BufferingHints": {"IntervalInSeconds": "60", "SizeInMBs": "1"},
        },
    }
    crawler = {
        "Name": name,
        "Role": ROLE,
        "DatabaseName": {"Ref": "Database"},
        "Targets": {"S3Targets": [{"Path": f"s3://{name}/raw/"}]},
    }
    table = {
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseName": {"Ref": "Database"},
        "TableInput": {"Name": "t", "StorageDescriptor": {"Location": f"s3://{name}/t/", "Columns": []}},
    }
    bucket = {
        "BucketName": name,
        "LifecycleConfiguration": lifecycle,
        "BucketEncryption": encryption,
        "Tags": [{"Key": "team", "Value": "menu"}],
    }
    database = {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {"Name": name}}
    resources = {
        "Bucket": ("AWS::S3::Bucket", bucket),
        "Stream": ("AWS::KinesisFirehose::DeliveryStream", stream),
        "Database": ("AWS::Glue::Database", database),
        "Table": ("AWS::Glue::Table", table),
        "Crawler": ("AWS::Glue::Crawler", crawler),
    }
    return {"Resources": {key: {"Type": kind, "Properties": each} for key, (kind, each) in resources.items()}}


@pytest.fixture
def name(local_aws: LocalAws) -> str:
    return f"stack{uuid.uuid4().hex[:8]}"


def create(name: str, body: dict) -> str:
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body))
    waiter = cloudformation.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    except Exception:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return "; ".join(event.get("ResourceStatusReason", "") for event in events)
    return "complete"


def test_a_stack_is_what_clients_see(name: str) -> None:
    assert create(name, template(name)) == "complete"
    s3, glue, firehose = (boto3.client(each) for each in ("s3", "glue", "firehose"))
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert rule == {
        "ID": "tiers",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "raw/", "Tags": [{"Key": "team", "Value": "menu"}]}},
        "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}],
        "Expiration": {"Days": 400},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
    }
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    described = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    destination = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert destination["BucketARN"] == f"arn:aws:s3:::{name}"
    assert destination["BufferingHints"] == {"IntervalInSeconds": 60, "SizeInMBs": 1}
    assert glue.get_table(DatabaseName=name, Name="t")["Table"]["StorageDescriptor"]["Location"]
    assert glue.get_crawler(Name=name)["Crawler"]["DatabaseName"] == name

    cloudformation = boto3.client("cloudformation")
    cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(template(name, days="500")))
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert rule["Expiration"] == {"Days": 500}

    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name=name)
    with pytest.raises(firehose.exceptions.ResourceNotFoundException):
        firehose.describe_delivery_stream(DeliveryStreamName=name)


def test_a_bucket_property_that_nobody_applies_fails_the_stack_by_name(name: str) -> None:
    body = template(name)
    body["Resources"] = {"Bucket": body["Resources"]["Bucket"]}
    body["Resources"]["Bucket"]["Properties"]["ReplicationConfiguration"] = {"Role": ROLE, "Rules": []}
    assert "ReplicationConfiguration" in create(name, body)


def test_a_type_that_nobody_makes_is_refused_by_name(name: str) -> None:
    body = {"Resources": {"Job": {"Type": "AWS::Glue::Job", "Properties": {"Role": ROLE, "Command": {}}}}}
    with pytest.raises(ClientError, match="AWS::Glue::Job"):
        create(name, body)
