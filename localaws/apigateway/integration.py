"""AWS integrations of REST methods with Firehose: a mapping template makes the request."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.apigateway.templates import Parameters, TemplateError, render
from localaws.service import AwsError, Handler
from localaws.wire import Answer, error_answer, json_answer, parse_payload

_log = logging.getLogger(__name__)

_JSON = "application/json"
_STATIC = re.compile(r"'(.*)'", re.DOTALL)
_RESPONSE_HEADER = "method.response.header."


@dataclass(frozen=True)
class Call:
    """A request to a method whose integration is a service.

    Parameters
    ----------
    integration
        The integration, as it was put.
    body, parameters
        The request's.
    context
        What ``$context`` and ``$stageVariables`` hold, under these names.
    """

    integration: Mapping[str, Any]
    body: str
    parameters: Parameters
    context: Mapping[str, Any]

    @property
    def action(self) -> str:
        """Return the operation of the service, the end of ``…:firehose:action/PutRecord``."""
        return str(self.integration.get("uri", "")).rpartition("/")[2]

    def media_type(self, header: str) -> str:
        """Return the media type that a header names, JSON when it names none."""
        lowered = {name.lower(): value for name, value in self.parameters.header.items()}
        named = lowered.get(header, "").split(",")[0].split(";")[0].strip().lower()
        return _JSON if named in ("", "*/*") else named

    def render(self, template: str, body: str) -> str:
        """Evaluate a template of the integration."""
        return render(template, body, self.parameters, self.context)


class FirehoseIntegration:
    """Answers calls by operations of Firehose.

    Parameters
    ----------
    operations
        The operations, by name.
    """

    def __init__(self, operations: Mapping[str, Handler]) -> None:
        self._operations = operations

    def answer(self, call: Call) -> tuple[int, dict[str, str], bytes]:
        """Make the request of a call, and its answer of that of Firehose."""
        try:
            request = _request(call)
            backend = self._backend(call, request)
            return _response(call, backend)
        except AwsError as error:
            return error.status, {"Content-Type": _JSON}, json_answer({"message": error.message}).body
        except TemplateError as error:
            _log.warning("%s: the mapping template failed: %s", call.integration.get("uri"), error)
            body = json_answer({"message": "Internal server error"}).body
            return 500, {"Content-Type": _JSON}, body

    def _backend(self, call: Call, request: str) -> Answer:
        try:
            if not call.integration.get("credentials"):
                message = "Missing Authentication Token: the integration has no credentials"
                raise AwsError("MissingAuthenticationTokenException", message)
            if call.action not in self._operations:
                raise AwsError("UnknownOperationException", f"Firehose has no {call.action}")
            return json_answer(self._operations[call.action](parse_payload(request.encode())))
        except AwsError as error:
            return error_answer(error)


def _request(call: Call) -> str:
    """Return the request that the template for the body's media type makes of it."""
    templates = call.integration.get("requestTemplates") or {}
    template = _of_media_type(templates, call.media_type("content-type"))
    if template is not None:
        return call.render(template, call.body)
    behavior = (call.integration.get("passthroughBehavior") or "WHEN_NO_MATCH").upper()
    if behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and templates):
        raise AwsError("UnsupportedMediaType", "Unsupported Media Type", 415)
    return call.body


def _response(call: Call, backend: Answer) -> tuple[int, dict[str, str], bytes]:
    """Return what the integration response that is for a status makes of the answer."""
    selected = _selected(call.integration.get("integrationResponses") or {}, str(backend.status))
    headers = {"Content-Type": _JSON}
    for target, source in (selected.get("responseParameters") or {}).items():
        found = _STATIC.fullmatch(source)
        if found is None or not target.startswith(_RESPONSE_HEADER):
            raise TemplateError(f"responseParameters: Local AWS does not map {source} to {target}")
        headers[target.removeprefix(_RESPONSE_HEADER)] = found[1]
    text = backend.body.decode()
    templates = selected.get("responseTemplates") or {}
    template = _of_media_type(templates, call.media_type("accept")) or templates.get(_JSON)
    body = text if template is None else call.render(template, text)
    return int(selected["statusCode"]), headers, body.encode()


def _selected(responses: Mapping[str, Mapping[str, Any]], status: str) -> Mapping[str, Any]:
    matching = (each for each in responses.values() if _matches(each.get("selectionPattern"), status))
    default = (each for each in responses.values() if not each.get("selectionPattern"))
    selected = next(matching, None) or next(default, None)
    if selected is None:
        raise TemplateError(f"no integration response is for the status {status}")
    return selected


def _matches(pattern: str | None, status: str) -> bool:
    return bool(pattern) and re.fullmatch(str(pattern), status) is not None


def _of_media_type(templates: Mapping[str, str], media_type: str) -> str | None:
    for name, template in templates.items():
        if name.split(";")[0].strip().lower() == media_type:
            return template or ""
    return None
