"""The one module that touches ministack, which Local AWS stands on.

ministack reads its settings from the environment when it is imported, so :func:`configure` must run
first, and every import of ministack happens inside a function.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from localaws.clock import Clock
from localaws.service import AwsError

_settings_done = False
_EVENT_DETAILS = ("binary_media_types", "authorizer_context", "caller_identity")


def configure(data_dir: Path, port: int, log_level: str) -> None:
    """Tell ministack where its state lies and which port it is reached on."""
    global _settings_done
    s3_dir = data_dir / "s3"
    state_dir = data_dir / "ministack"
    for folder in (s3_dir, state_dir):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        GATEWAY_PORT=str(port),
        S3_PERSIST="1",
        S3_DATA_DIR=str(s3_dir),
        PERSIST_STATE="1",
        STATE_DIR=str(state_dir),
        LOG_LEVEL=log_level,
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
    )
    _settings_done = True


def application() -> Any:
    """Return ministack's ASGI application module."""
    return _module("ministack.app")


def s3() -> Any:
    """Return ministack's S3 module, whose state is the lake."""
    return _module("ministack.services.s3")


def save_states(names: Iterable[str]) -> None:
    """Write states of ministack to disk now; it alone would wait for a clean stop."""
    states = application()._build_persistence_save_dict()
    for name in names:
        if name in states:
            _module("ministack.core.persistence").save_state(name, states[name]())


def service_of(method: str, path: str, headers: Mapping[str, str], query: Mapping[str, list[str]]) -> str:
    """Return the name of the service that ministack would send a request to."""
    name: str = _module("ministack.core.router").detect_service(method, path, headers, query)
    return name


def bucket_and_key(path: str, host: str) -> tuple[str, str]:
    """Return the bucket and the key that an S3 request names, in its path or in its host."""
    virtual = application()._extract_s3_vhost_bucket(host)
    if virtual is not None and virtual not in application()._NON_S3_VHOST_NAMES:
        return virtual, path.removeprefix("/")
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key


def use_clock(clock: Clock) -> None:
    """Let S3 date what it stores by the clock of Local AWS."""

    def now_iso() -> str:
        return f"{clock.now():%Y-%m-%dT%H:%M:%S}.{clock.now().microsecond // 1000:03d}Z"

    s3().now_iso = now_iso


def use_restores(state_of: Callable[[Mapping[str, Any]], str | None]) -> None:
    """Let S3 read archived objects, and tell of their restores, by our account of them.

    Parameters
    ----------
    state_of
        Given an object, returns the value of ``x-amz-restore``; none without a restore.
    """
    module, headers_of = s3(), s3()._object_response_headers

    def phase(bucket: str, key: str, record: Mapping[str, Any] | None) -> str | None:
        state = None if record is None else state_of(record)
        if state is None:
            return None
        return "in_progress" if "true" in state else "restored"

    def headers(record: Mapping[str, Any], *place: Any, **more: Any) -> dict[str, str]:
        found: dict[str, str] = headers_of(record, *place, **more)
        found.pop("x-amz-restore", None)
        state = state_of(record)
        return found if state is None else {**found, "x-amz-restore": state}

    module._sync_restore = phase
    module._object_response_headers = headers


def use_standard_copies() -> None:
    """Let a copy be of the class STANDARD unless it asks for another, as in S3."""
    module, copy = s3(), s3()._copy_object

    def copy_object(bucket: str, key: str, headers: Mapping[str, str]) -> Any:
        return copy(bucket, key, {"x-amz-storage-class": "STANDARD", **headers})

    module._copy_object = copy_object


def fire_s3_event(bucket: str, key: str, event: str, record: Mapping[str, Any]) -> None:
    """Tell of an event of an object whoever the bucket's notifications name."""
    s3()._fire_s3_event_async(bucket, key, event, size=record["size"], etag=record["etag"])


def run_on_loop(work: Callable[..., object], *arguments: object) -> None:
    """Run something on the event loop's thread, where S3's state is changed, and wait for it."""

    async def run() -> None:
        work(*arguments)

    _wait_for(run())


def call_s3(
    method: str,
    bucket: str,
    key: str,
    body: bytes,
    headers: Mapping[str, str],
    query: Mapping[str, str | None] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """Send one request to S3, without HTTP, and wait for the answer."""
    parameters = {name: [value] for name, value in (query or {}).items() if value is not None}
    sent = {**headers, "content-length": str(len(body))}
    answer: tuple[int, dict[str, str], bytes] = _wait_for(
        s3().handle_request(method, f"/{bucket}/{key}", sent, body, parameters)
    )
    return answer


def call_kinesis(operation: str, payload: Mapping[str, object]) -> dict[str, Any]:
    """Run an operation of Kinesis, without HTTP, and wait for the answer.

    Raises
    ------
    AwsError
        What a client over HTTP would be refused with.
    """
    headers = {"x-amz-target": f"Kinesis_20131202.{operation}", "content-type": "application/x-amz-json-1.1"}
    kinesis = _module("ministack.services.kinesis")
    status, _, body = _wait_for(kinesis.handle_request("POST", "/", headers, json.dumps(payload), {}))
    answer: dict[str, Any] = json.loads(body or b"{}")
    if status >= 300:
        raise AwsError(answer.get("__type", "InternalFailure"), str(answer.get("message")), status)
    return answer


def _wait_for(request: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits for anything: on the event loop, or at once if this is it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run_coroutine_threadsafe(request, application()._MAIN_LOOP).result()
    try:
        request.send(None)
    except StopIteration as done:
        return done.value
    request.close()
    raise RuntimeError("a request that waits cannot be answered on the event loop's own thread")


def cloudformation_handlers() -> dict[str, dict[str, Any]]:
    """Return ministack's table of handlers by resource type, to be changed in place."""
    handlers: dict[str, dict[str, Any]] = _module(
        "ministack.services.cloudformation.provisioners"
    )._RESOURCE_HANDLERS
    return handlers


def use_firehose_integration(answer: Callable[..., tuple[int, dict[str, str], bytes]]) -> None:
    """Let REST methods integrate with Firehose, which ministack takes for a Lambda function.

    Parameters
    ----------
    answer
        Answers a call, given the integration and the event that a Lambda function would be given.
    """
    gateway = _module("ministack.services.apigateway_v1")
    invoke_function = gateway._invoke_lambda_custom_v1

    async def invoke(integration: Mapping[str, Any], *request: Any, **more: Any) -> Any:
        uri = integration.get("uri", "")
        service = (gateway._parse_service_integration_uri(uri) or ("", "lambda"))[1]
        if service == "lambda":
            return await invoke_function(integration, *request, **more)
        if service != "firehose":
            refusal = {"message": f"Local AWS has no integration with {uri}; see docs/local-aws.md"}
            return 501, {"Content-Type": "application/json"}, json.dumps(refusal).encode()
        described = {name: more[name] for name in _EVENT_DETAILS}
        event = gateway._build_lambda_event_v1(*request, **described)
        return await asyncio.get_running_loop().run_in_executor(None, answer, integration, event)

    gateway._invoke_lambda_custom_v1 = invoke


def call_rest_api(operation: str, *arguments: Any) -> dict[str, Any]:
    """Run an operation of API Gateway's REST APIs, such as ``create_request_validator``.

    Raises
    ------
    ValueError
        With the refusal.
    """
    gateway = _module("ministack.services.apigateway_v1")
    status, _, body = getattr(gateway, f"_{operation}")(*arguments)
    if status >= 300:
        raise ValueError(f"{operation}: {body!r}")
    answer: dict[str, Any] = json.loads(body or b"{}")
    return answer


def invoke_lambda(arn: str, event: bytes) -> tuple[int, dict[str, str], bytes]:
    """Invoke a Lambda function from a worker thread and wait for status, headers and answer."""
    path = f"/2015-03-31/functions/{arn}/invocations"
    headers = {"content-type": "application/json", "content-length": str(len(event))}
    function = _module("ministack.services.lambda_svc")
    answer: tuple[int, dict[str, str], bytes] = application().call_service_handler_sync(
        function.handle_request, "POST", path, headers, event, {}
    )
    return answer


def _module(name: str) -> Any:
    if not _settings_done:
        raise RuntimeError(f"localaws.base.configure must run before {name} is imported")
    return import_module(name)
