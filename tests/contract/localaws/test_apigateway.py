"""An HTTPS collector without code: REST API, mapping template, Firehose, raw objects."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.delivery import ROLE, START, client_of
from tests.fixtures.local_aws import LocalAws

SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["element"],
    "properties": {"element": {"type": "string"}, "seen_s": {"type": "integer"}},
}
TEMPLATE = (
    "#set($record = $input.json('$'))\n"
    '{"DeliveryStreamName": "%s", "Record": {"Data": "$util.base64Encode("$record\n")"}}'
)
ENVELOPE = r"""
#set($menu = $util.escapeJavaScript($input.params('menu')).replaceAll("\\'", "'"))
#set($text = "{""at"":""$context.requestTime"",""from"":""$context.identity.userAgent"",""menu"":""$menu"",
""element"":$input.json('$.element'),""none"":""$context.nothing""}")
{"DeliveryStreamName": "%s", "Record": {"Data": "$util.base64Encode($text)"}}
"""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Collector:
    """A collector that is deployed: where it answers, and where its records end."""

    url: str
    key: str
    bucket: str
    stream: str

    def send(
        self, body: bytes, key: str | None = None, method: str = "POST", query: str = "", **headers: str
    ) -> Reply:
        sent = {"content-type": "application/json", "x-api-key": self.key if key is None else key, **headers}
        request = urllib.request.Request(f"{self.url}{query}", body or None, sent, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return _reply(answer.status, answer)
        except urllib.error.HTTPError as refused:
            return _reply(refused.code, refused)


def _reply(status: int, answer: Any) -> Reply:
    text = answer.read().decode()
    return Reply(status, {k.lower(): v for k, v in answer.headers.items()}, json.loads(text or "{}"))


class Builder:
    """Builds a REST API with one resource."""

    def __init__(self, clients: Any) -> None:
        self.gateway = clients("apigateway")
        self.api = self.gateway.create_rest_api(name=f"api-{uuid.uuid4().hex[:8]}")["id"]
        root = self.gateway.get_resources(restApiId=self.api)["items"][0]["id"]
        made = self.gateway.create_resource(restApiId=self.api, parentId=root, pathPart="clicks")
        self.place = {"restApiId": self.api, "resourceId": made["id"]}

    def post(self, template: str, **integration: Any) -> None:
        self.gateway.create_model(
            restApiId=self.api, name="Click", contentType="application/json", schema=json.dumps(SCHEMA)
        )
        validator = self.gateway.create_request_validator(
            restApiId=self.api, name="body", validateRequestBody=True, validateRequestParameters=False
        )
        place = {**self.place, "httpMethod": "POST"}
        self.gateway.put_method(
            **place,
            authorizationType="NONE",
            apiKeyRequired=True,
            requestModels={"application/json": "Click"},
            requestValidatorId=validator["id"],
        )
        self.gateway.put_method_response(**place, statusCode="200")
        self.gateway.put_method_response(**place, statusCode="503")
        wanted: dict[str, Any] = {
            "type": "AWS",
            "integrationHttpMethod": "POST",
            "uri": "arn:aws:apigateway:us-east-1:firehose:action/PutRecord",
            "credentials": ROLE,
            "passthroughBehavior": "NEVER",
            "requestTemplates": {"application/json": template},
            **integration,
        }
        self.gateway.put_integration(**place, **{name: value for name, value in wanted.items() if value})
        self.gateway.put_integration_response(
            **place,
            statusCode="200",
            responseParameters={"method.response.header.Access-Control-Allow-Origin": "'*'"},
            responseTemplates={"application/json": '{"accepted": "$input.path("$.RecordId")"}'},
        )
        self.gateway.put_integration_response(
            **place,
            statusCode="503",
            selectionPattern="[45]\\d\\d",
            responseTemplates={"application/json": '{"error": $input.json("$.__type")}'},
        )

    def options(self) -> None:
        place = {**self.place, "httpMethod": "OPTIONS"}
        allowed = {
            "method.response.header.Access-Control-Allow-Origin": "'*'",
            "method.response.header.Access-Control-Allow-Methods": "'POST,OPTIONS'",
            "method.response.header.Access-Control-Allow-Headers": "'Content-Type,X-Api-Key'",
        }
        self.gateway.put_method(**place, authorizationType="NONE", apiKeyRequired=False)
        self.gateway.put_method_response(
            **place, statusCode="200", responseParameters=dict.fromkeys(allowed, False)
        )
        self.gateway.put_integration(
            **place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
        )
        self.gateway.put_integration_response(**place, statusCode="200", responseParameters=allowed)

    def deploy(self) -> str:
        """Deploy a stage with a usage plan, and return the API key."""
        self.gateway.create_deployment(restApiId=self.api, stageName="v1")
        stages = [{"apiId": self.api, "stage": "v1"}]
        plan = self.gateway.create_usage_plan(name=f"plan-{self.api}", apiStages=stages)
        key = self.gateway.create_api_key(name=f"key-{self.api}", enabled=True)
        self.gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        return key["value"]


def collector(clients: Any, endpoint_url: str, template: str, **integration: Any) -> Collector:
    name = f"clicks-{uuid.uuid4().hex[:8]}"
    clients("s3").create_bucket(Bucket=name)
    clients("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{name}"},
    )
    builder = Builder(clients)
    builder.post(template.replace("%s", name), **integration)
    builder.options()
    key = builder.deploy()
    return Collector(f"{endpoint_url}/_aws/execute-api/{builder.api}/v1/clicks", key, name, name)


def raw(clients: Any, bucket: str) -> bytes:
    s3 = clients("s3")
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return b"".join(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed)


@pytest.fixture(scope="module")
def clicks(local_aws: LocalAws) -> Collector:
    return collector(boto3.client, local_aws.endpoint_url, TEMPLATE)


AWKWARD = [
    '"',
    "'",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "/",
    "ä",
    "€",
    "😀",
    "\x00",
    "\x7f",
    "$x",
    "#end",
    "{{",
    "\u2028",
]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(elements=st.lists(st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=6), min_size=1, max_size=3))
def test_every_text_arrives_byte_by_byte_as_json(
    clock: LocalAws, clicks: Collector, elements: list[list[str]]
) -> None:
    before = len(raw(boto3.client, clicks.bucket))
    sent = [{"element": "".join(parts), "seen_s": position} for position, parts in enumerate(elements)]
    for record in sent:
        reply = clicks.send(json.dumps(record, indent=1).encode())
        assert reply.status == 200
        assert reply.body["accepted"]
        assert reply.headers["access-control-allow-origin"] == "*"
    now = datetime.fromisoformat(clock.page("GET", "clock")["now"])
    clock.set_clock(now + timedelta(hours=1))
    arrived = raw(boto3.client, clicks.bucket)[before:]
    expected = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in sent]
    assert arrived.decode() == "".join(f"{line}\n" for line in expected)


def test_a_request_needs_a_key_of_a_usage_plan(clicks: Collector) -> None:
    body = b'{"element": "entree_1"}'
    assert clicks.send(body, key="").status == 403
    assert clicks.send(body, key="x" * 40).status == 403
    other = boto3.client("apigateway").create_api_key(name="no-plan", enabled=True)
    assert clicks.send(body, key=other["value"]).status == 403
    assert clicks.send(body).status == 200


@pytest.mark.parametrize("body", [b"{}", b'{"element": 5}', b"no json", b'["element"]'])
def test_a_request_must_fit_the_model(clicks: Collector, body: bytes) -> None:
    reply = clicks.send(body)
    assert (reply.status, reply.body["message"]) == (400, "Invalid request body")


def test_another_media_type_is_refused(clicks: Collector) -> None:
    assert clicks.send(b'{"element": "x"}', **{"content-type": "text/csv"}).status == 415


def test_browsers_may_ask_before(clicks: Collector) -> None:
    reply = clicks.send(b"", method="OPTIONS", key="", origin="https://menu.example")
    assert reply.status == 200
    assert reply.headers["access-control-allow-methods"] == "POST,OPTIONS"
    assert reply.headers["access-control-allow-headers"] == "Content-Type,X-Api-Key"


def test_the_template_sees_context_and_parameters(clock: LocalAws) -> None:
    made = collector(boto3.client, clock.endpoint_url, ENVELOPE)
    element = json.dumps({"element": 'say "hi"\n'})
    reply = made.send(element.encode(), query="?menu=l%27%C3%A9t%C3%A9", **{"user-agent": "kiosk/1"})
    assert reply.status == 200
    clock.set_clock(START + timedelta(hours=1))
    assert json.loads(raw(boto3.client, made.bucket)) == {
        "at": "20/Nov/2026:13:59:30 +0000",
        "from": "kiosk/1",
        "menu": "l'été",
        "element": 'say "hi"\n',
        "none": "",
    }


@pytest.mark.parametrize(
    ("template", "integration", "reply"),
    [
        ('{"DeliveryStreamName": "nobody", "Record": {"Data": "eA=="}}', {}, "ResourceNotFoundException"),
        ("no json", {}, "SerializationException"),
        (TEMPLATE, {"credentials": ""}, "MissingAuthenticationTokenException"),
        (
            TEMPLATE,
            {"uri": "arn:aws:apigateway:us-east-1:firehose:action/PutRecords"},
            "UnknownOperationException",
        ),
    ],
)
def test_what_firehose_refuses_is_mapped(
    local_aws: LocalAws, template: str, integration: dict[str, Any], reply: str
) -> None:
    made = collector(boto3.client, local_aws.endpoint_url, template, **integration)
    answer = made.send(b'{"element": "x"}')
    assert (answer.status, answer.body) == (503, {"error": reply})


def test_an_integration_with_another_service_is_refused_by_name(local_aws: LocalAws) -> None:
    uri = "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem"
    made = collector(boto3.client, local_aws.endpoint_url, TEMPLATE, uri=uri)
    answer = made.send(b'{"element": "x"}')
    assert (answer.status, uri in answer.body["message"]) == (501, True)


@pytest.mark.parametrize("template", ["$input.json('$..x')", "#if($a", "$util.base64Encode.__globals__"])
def test_a_broken_template_is_an_internal_error(local_aws: LocalAws, template: str) -> None:
    made = collector(boto3.client, local_aws.endpoint_url, template)
    answer = made.send(b'{"element": "x"}')
    assert (answer.status, answer.body) == (500, {"message": "Internal server error"})


def test_faults_of_firehose_reach_the_client(local_aws: LocalAws, clicks: Collector) -> None:
    local_aws.set_faults({"firehose.PutRecord": {"fail_share": 1}})
    try:
        answer = clicks.send(b'{"element": "x"}')
    finally:
        local_aws.set_faults({})
    assert (answer.status, answer.body) == (503, {"error": "ServiceUnavailableException"})


def test_a_deployed_api_survives_a_kill(tmp_path: Path) -> None:
    first = LocalAws.start(tmp_path)

    def clients(name: str) -> Any:
        return client_of(first.endpoint_url, name)

    made = collector(clients, first.endpoint_url, TEMPLATE)
    assert made.send(b'{"element": "before"}').status == 200
    first.kill()
    second = LocalAws.start(tmp_path, int(first.endpoint_url.rpartition(":")[2]))
    try:
        assert made.send(b'{"element": "after"}').status == 200
        assert made.send(b"{}").status == 400
        second.set_clock(datetime.now(UTC) + timedelta(hours=1))
        assert raw(clients, made.bucket) == b'{"element":"before"}\n{"element":"after"}\n'
    finally:
        assert second.stop() == 0
