"""What a service behind the gateway is, and how it refuses a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from localaws.clock import Clock
from localaws.faults import Faults

EXECUTION_PATH = "/_aws/execute-api/"
EXECUTION_HOST = ".execute-api."

Payload = dict[str, Any]
Handler = Callable[[Payload], Payload]


class AwsError(Exception):
    """A refusal that the client sees as an AWS error.

    Parameters
    ----------
    code
        AWS's error code, such as ``InvalidRequestException``.
    message
        What is wrong and what to do about it.
    status
        The HTTP status of the answer.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Context:
    """What every service is given when it is made.

    Parameters
    ----------
    data_dir
        Folder in which a service keeps its state, one sub-folder a service.
    endpoint_url
        The gateway's own address, for services that call others.
    clock
        The clock every service must take its time from.
    faults
        The faults that were asked for, to be struck by the operations they name.
    region, account_id
        Where and who the lake says it is.
    athena_engine, trino_url
        What runs Athena's queries, ``duckdb`` or ``trino``; and where a Trino runs already, if one does.
    """

    data_dir: Path
    endpoint_url: str
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    region: str = "us-east-1"
    account_id: str = "000000000000"
    athena_engine: str = "duckdb"
    trino_url: str | None = None


@dataclass(frozen=True)
class HttpRequest:
    """The head of a request that comes without ``X-Amz-Target``.

    Parameters
    ----------
    service
        The service that it is for, such as ``s3``.
    method, path
        What it asks for; the path is decoded.
    query, headers
        Its parameters, and its headers by lower-case name.
    """

    service: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]

    @property
    def is_execution(self) -> bool:
        """Tell whether it calls an API of API Gateway, by path or by host."""
        return self.path.startswith(EXECUTION_PATH) or EXECUTION_HOST in self.headers.get("host", "")


class Service(Protocol):
    """A service answers the operations in its table; the gateway passes the rest to ministack."""

    target_prefix: str
    operations: Mapping[str, Handler]

    def start(self) -> None:
        """Load state and start background work; called once, when the gateway answers requests."""

    def stop(self) -> None:
        """Flush everything that is buffered and stop background work."""
