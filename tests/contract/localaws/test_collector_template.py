"""A CloudFormation template makes a collector that works: REST API, plan, key, Firehose."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from datetime import timedelta
from typing import Any

import boto3

from tests.fixtures.delivery import ROLE, START
from tests.fixtures.local_aws import LocalAws

SCHEMA = {"type": "object", "required": ["element"], "properties": {"element": {"type": "string"}}}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def template(name: str) -> dict[str, Any]:
    api, path = {"Ref": "Api"}, {"Ref": "Clicks"}
    put = {"DeliveryStreamName": name, "Record": {"Data": "$util.base64Encode($input.json('$'))"}}
    integration = {
        "Type": "AWS",
        "IntegrationHttpMethod": "POST",
        "Uri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:firehose:action/PutRecord"},
        "Credentials": ROLE,
        "PassthroughBehavior": "NEVER",
        "RequestTemplates": {"application/json": json.dumps(put)},
        "IntegrationResponses": [{"StatusCode": "200", "ResponseTemplates": {"application/json": "{}"}}],
    }
    stages = [{"ApiId": api, "Stage": {"Ref": "Stage"}}]
    return {
        "Resources": {
            "Bucket": resource("S3::Bucket", BucketName=name),
            "Stream": resource(
                "KinesisFirehose::DeliveryStream",
                DeliveryStreamName=name,
                ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{name}"},
            ),
            "Api": resource("ApiGateway::RestApi", Name=name),
            "Clicks": resource(
                "ApiGateway::Resource",
                RestApiId=api,
                ParentId={"Fn::GetAtt": ["Api", "RootResourceId"]},
                PathPart="clicks",
            ),
            "Model": resource(
                "ApiGateway::Model",
                RestApiId=api,
                Name="Click",
                ContentType="application/json",
                Schema=SCHEMA,
            ),
            "Validator": resource("ApiGateway::RequestValidator", RestApiId=api, ValidateRequestBody=True),
            "Post": resource(
                "ApiGateway::Method",
                RestApiId=api,
                ResourceId=path,
                HttpMethod="POST",
                AuthorizationType="NONE",
                ApiKeyRequired=True,
                RequestModels={"application/json": {"Ref": "Model"}},
                RequestValidatorId={"Ref": "Validator"},
                Integration=integration,
                MethodResponses=[{"StatusCode": "200"}],
            ),
            "Deployment": {**resource("ApiGateway::Deployment", RestApiId=api), "DependsOn": "Post"},
            "Stage": resource(
                "ApiGateway::Stage", RestApiId=api, DeploymentId={"Ref": "Deployment"}, StageName="v1"
            ),
            "Key": resource("ApiGateway::ApiKey", Name=name, Enabled=True),
            "Plan": resource("ApiGateway::UsagePlan", UsagePlanName=name, ApiStages=stages),
            "PlanKey": resource(
                "ApiGateway::UsagePlanKey",
                KeyId={"Ref": "Key"},
                KeyType="API_KEY",
                UsagePlanId={"Ref": "Plan"},
            ),
        },
        "Outputs": {"Api": {"Value": api}, "Key": {"Value": {"Ref": "Key"}}},
    }


def deployed(name: str) -> dict[str, str]:
    """Create a stack, and return its outputs."""
    stack = boto3.client("cloudformation").create_stack(
        StackName=name, TemplateBody=json.dumps(template(name))
    )
    outputs = settled(stack["StackId"], "CREATE_COMPLETE")["Outputs"]
    return {each["OutputKey"]: each["OutputValue"] for each in outputs}


def settled(stack_id: str, wanted: str) -> dict[str, Any]:
    """Wait until a stack is in a state, and return its description."""
    formation = boto3.client("cloudformation")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        [stack] = formation.describe_stacks(StackName=stack_id)["Stacks"]
        if stack["StackStatus"] == wanted:
            return stack
        assert stack["StackStatus"].endswith("IN_PROGRESS"), formation.describe_stack_events(
            StackName=stack_id
        )
        time.sleep(0.05)
    raise AssertionError(f"{stack_id} is not {wanted} in a minute")


def send(url: str, key: str, body: bytes) -> int:
    headers = {"content-type": "application/json", "x-api-key": key}
    request = urllib.request.Request(url, body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_a_template_makes_a_collector(clock: LocalAws) -> None:
    name = f"collector-{uuid.uuid4().hex[:8]}"
    outputs = deployed(name)
    found = boto3.client("apigateway").get_api_key(apiKey=outputs["Key"], includeValue=True)
    url = f"{clock.endpoint_url}/_aws/execute-api/{outputs['Api']}/v1/clicks"
    assert send(url, found["value"], b'{"element": "it\'s \\"1\\""}') == 200
    assert send(url, "nobody", b'{"element": "x"}') == 403
    assert send(url, found["value"], b"{}") == 400
    clock.set_clock(START + timedelta(hours=1))
    s3 = boto3.client("s3")
    [listed] = s3.list_objects_v2(Bucket=name)["Contents"]
    body = s3.get_object(Bucket=name, Key=listed["Key"])["Body"].read()
    assert body == b'{"element":"it\'s \\"1\\""}'
    s3.delete_object(Bucket=name, Key=listed["Key"])
    stack_id = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    boto3.client("cloudformation").delete_stack(StackName=name)
    settled(stack_id, "DELETE_COMPLETE")
    assert send(url, found["value"], b'{"element": "x"}') in (403, 404)
