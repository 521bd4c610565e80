"""Puts the integration with Firehose into ministack's API Gateway."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from localaws import base
from localaws.apigateway.integration import Call, FirehoseIntegration
from localaws.apigateway.templates import Parameters
from localaws.clock import Clock
from localaws.firehose.service import FirehoseService
from localaws.service import Service


def install(services: Sequence[Service]) -> None:
    """Let methods of REST APIs integrate with Firehose.

    Parameters
    ----------
    services
        The services of Local AWS, Firehose among them.
    """
    firehose = _firehose(services)
    integration = FirehoseIntegration(firehose.operations)

    def answer(configured: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
        return integration.answer(_call(configured, event, firehose.clock))

    base.use_firehose_integration(answer)


def _firehose(services: Sequence[Service]) -> FirehoseService:
    for service in services:
        if isinstance(service, FirehoseService):
            return service
    raise LookupError("Firehose is not among the services")


def _call(integration: Mapping[str, Any], event: Mapping[str, Any], clock: Clock) -> Call:
    now = clock.now()
    times = {
        "requestTime": f"{now:%d/%b/%Y:%H:%M:%S} +0000",
        "requestTimeEpoch": int(now.timestamp() * 1000),
    }
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode(errors="replace")
    return Call(
        integration=integration,
        body=body,
        parameters=Parameters(
            path=event.get("pathParameters") or {},
            querystring=event.get("queryStringParameters") or {},
            header=event.get("headers") or {},
        ),
        context={
            "context": {**event["requestContext"], **times},
            "stageVariables": event.get("stageVariables") or {},
        },
    )
