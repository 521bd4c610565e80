"""The ASGI application: one port, our services by ``X-Amz-Target``, ministack behind them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Protocol, runtime_checkable
from urllib.parse import parse_qs

from localaws import base, durability, passthrough
from localaws.admin import PREFIX as ADMIN_PREFIX
from localaws.admin import Admin
from localaws.apigateway.install import install as install_apigateway
from localaws.cloudformation.install import install as install_cloudformation
from localaws.service import AwsError, Handler, HttpRequest, Service
from localaws.wire import (
    Answer,
    Message,
    Receive,
    Scope,
    Send,
    error_answer,
    json_answer,
    parse_payload,
    read_body,
    xml_error_answer,
)

_log = logging.getLogger(__name__)
_WORKERS = 32


@runtime_checkable
class HttpService(Protocol):
    """A service that also answers requests that come without ``X-Amz-Target``."""

    def answers(self, request: HttpRequest) -> bool:
        """Tell whether a request is for this service rather than for ministack."""

    def answer(self, request: HttpRequest, body: bytes) -> Answer:
        """Answer it, or raise AwsError."""


class Gateway:
    """Send each request to the service that answers it.

    Parameters
    ----------
    inner
        ministack's ASGI application.
    services
        The services that answer operations themselves.
    admin
        The pages under ``/_localaws/``.
    """

    def __init__(self, inner: Any, services: Sequence[Service], admin: Admin) -> None:
        self._inner = inner
        self._services = services
        self._admin = admin
        self._operations = _operation_table(services)
        self._http_services = [service for service in services if isinstance(service, HttpService)]
        self._pending: dict[str, Callable[[Sequence[Service]], None]] = {
            "apigateway": install_apigateway,
            "cloudformation": install_cloudformation,
        }
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="localaws")
        self._started = ExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start services after ministack and stop them before it, for they write to its S3."""
        loop = asyncio.get_running_loop()

        async def receive_after_stop() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await loop.run_in_executor(self._workers, self._started.close)
            return message

        async def send_after_start(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await loop.run_in_executor(self._workers, self._start)
            await send(message)

        await self._inner(scope, receive_after_stop, send_after_start)
        self._workers.shutdown()

    def _start(self) -> None:
        for service in self._services:
            service.start()
            self._started.callback(_stop, service)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        target, _, operation = headers.get("x-amz-target", "").rpartition(".")
        path: str = scope["path"]
        if path.startswith(ADMIN_PREFIX):
            await self._answer_page(scope, receive, send)
        elif target in self._operations:
            await self._answer_operation(target, operation, receive, send)
        else:
            await self._pass_through(scope, headers, receive, send)

    async def _answer_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if body is not None:
            name = f"{scope['method']} {scope['path']}"
            answer = await self._run(name, self._admin.answer, scope["method"], scope["path"], body)
            await answer.send(send)

    async def _answer_operation(self, target: str, operation: str, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if body is not None:
            handler = self._operations[target].get(operation, _refusal(target, operation))
            answer = await self._run(f"{target}.{operation}", _handle, handler, body)
            await answer.send(send)

    async def _run(self, name: str, work: Any, *arguments: object) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            answer: Answer = await loop.run_in_executor(self._workers, work, *arguments)
        except AwsError as error:
            return error_answer(error)
        except Exception as error:
            _log.exception("%s failed", name)
            return error_answer(AwsError("InternalFailure", f"{name}: {type(error).__name__}: {error}", 500))
        return answer

    async def _pass_through(
        self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send
    ) -> None:
        request = _request(scope, headers)
        try:
            passthrough.check(request)
        except AwsError as error:
            await _refuse(request, error).send(send)
            return
        for service in self._http_services:
            if service.answers(request):
                await self._answer_http(service, request, receive, send)
                return
        self._prepare(request.service)
        states = durability.states_changed_by(request)
        await self._inner(scope, receive, _saving(send, states) if states else send)

    def _prepare(self, service: str) -> None:
        """Put our part into one of ministack's services before its first use; few use these large ones."""
        install = self._pending.pop(service, None)
        if install is not None:
            install(self._services)

    async def _answer_http(
        self, service: HttpService, request: HttpRequest, receive: Receive, send: Send
    ) -> None:
        body = await read_body(receive)
        if body is not None:
            name = f"{request.method} {request.path}"
            answer = await self._run(name, _answer_or_refuse, service, request, body)
            await answer.send(send)


def _operation_table(services: Sequence[Service]) -> dict[str, dict[str, Handler]]:
    table: dict[str, dict[str, Handler]] = {}
    for service in services:
        operations = table.setdefault(service.target_prefix, {})
        if twice := operations.keys() & service.operations.keys():
            raise ValueError(f"{service.target_prefix} has {', '.join(sorted(twice))} twice")
        operations.update(service.operations)
    return table


def _request(scope: Scope, headers: dict[str, str]) -> HttpRequest:
    method, path = scope["method"], scope["path"]
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return HttpRequest(passthrough.service_of(method, path, headers, query), method, path, query, headers)


def _answer_or_refuse(service: HttpService, request: HttpRequest, body: bytes) -> Answer:
    try:
        return service.answer(request, body)
    except AwsError as error:
        return _refuse(request, error)


def _refuse(request: HttpRequest, error: AwsError) -> Answer:
    if "x-amz-target" in request.headers:
        return error_answer(error)
    return xml_error_answer(error, request.service)


def _handle(handler: Handler, body: bytes) -> Answer:
    return json_answer(handler(parse_payload(body)))


def _refusal(target: str, operation: str) -> Handler:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        message = f"Local AWS does not do {target}.{operation}; docs/local-aws.md lists what it does"
        raise AwsError("UnknownOperationException", message, 501)

    return refuse


def _saving(send: Send, states: Sequence[str]) -> Send:
    """Put states on disk before the client hears that they are changed."""

    async def save_then_send(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 300:
            base.save_states(states)
        await send(message)

    return save_then_send


def _stop(service: Service) -> None:
    """Stop one service; one that fails must not keep the others from flushing."""
    try:
        service.stop()
    except Exception:
        _log.exception("%s did not stop cleanly", type(service).__name__)
