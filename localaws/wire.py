"""AWS's JSON 1.1 protocol: what goes over the wire between clients and the services here."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from localaws.service import AwsError, Payload

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_JSON = "application/x-amz-json-1.1"
_XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True)
class Answer:
    """One whole HTTP answer."""

    status: int
    body: bytes
    content_type: str = _JSON
    error_code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        """Send it as ASGI messages."""
        headers = [
            *((name.encode(), value.encode()) for name, value in self.headers.items()),
            (b"content-type", self.content_type.encode()),
            (b"content-length", str(len(self.body)).encode()),
            (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
        ]
        if self.error_code is not None:
            headers.append((b"x-amzn-errortype", self.error_code.encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(payload: object, status: int = 200) -> Answer:
    """Answer with JSON; datetimes go as epoch seconds and bytes as base64, as AWS's protocol has it."""
    return Answer(status, orjson.dumps(payload, default=_encode, option=orjson.OPT_PASSTHROUGH_DATETIME))


def error_answer(error: AwsError) -> Answer:
    """Answer with an AWS error that every SDK understands."""
    body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message}).encode()
    return Answer(error.status, body, error_code=error.code)


def xml_error_answer(error: AwsError, service: str) -> Answer:
    """Answer with an error in S3's XML, or in that of the services with query parameters."""
    fields = f"<Error><Code>{error.code}</Code><Message>{_escape(error.message)}</Message></Error>"
    body = fields if service == "s3" else f"<ErrorResponse>{fields}</ErrorResponse>"
    return Answer(error.status, f"{_XML_HEAD}{body}".encode(), "application/xml", error.code)


async def read_body(receive: Receive) -> bytes | None:
    """Return the request's whole body, or ``None`` when the client went away."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def parse_payload(body: bytes) -> Payload:
    """Return the JSON object of a request.

    Raises
    ------
    AwsError
        ``SerializationException`` when the body is not one JSON object.
    """
    try:
        payload = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise AwsError("SerializationException", f"the request body is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise AwsError("SerializationException", "the request body must be one JSON object")
    return payload


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no place in an AWS answer")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
