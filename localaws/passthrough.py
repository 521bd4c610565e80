"""What ministack answers itself: only what is listed here, everything else is refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from localaws import base
from localaws.s3 import operations
from localaws.service import EXECUTION_HOST, EXECUTION_PATH, AwsError, HttpRequest

SERVICES = frozenset(
    {
        "apigateway",
        "cloudformation",
        "events",
        "iam",
        "kinesis",
        "kms",
        "lambda",
        "logs",
        "monitoring",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "states",
        "sts",
    }
)
"""Services of ministack that do what they say."""

_OPEN_PATHS = ("/_ministack/health", "/_ministack/lambda")

REFUSED_TARGETS = frozenset(
    f"Kinesis_20131202.{operation}" for operation in ("MergeShards", "SplitShard", "UpdateShardCount")
)
"""Operations of these services that ministack does badly: these lose the records of the shards they close."""

Query = Mapping[str, list[str]]
Headers = Mapping[str, str]


def service_of(method: str, path: str, headers: Headers, query: Query) -> str:
    """Return the name of the service that a request is for."""
    if path.startswith(EXECUTION_PATH) or EXECUTION_HOST in headers.get("host", ""):
        return "apigateway"
    return "ministack" if path.startswith("/_") else base.service_of(method, path, headers, query)


def check(request: HttpRequest) -> None:
    """Let a request through, or refuse it.

    Raises
    ------
    AwsError
        With status 501, for what is not in the tables.
    """
    service, path = request.service, request.path
    if service == "ministack" and not path.startswith(_OPEN_PATHS):
        raise AwsError("UnknownOperationException", f"Local AWS has no page {path}", 501)
    if service != "ministack" and service not in SERVICES:
        raise AwsError("UnknownOperationException", f"Local AWS has no {service}; see docs/local-aws.md", 501)
    if (target := request.headers.get("x-amz-target")) in REFUSED_TARGETS:
        raise AwsError("UnknownOperationException", f"Local AWS does not do {target}", 501)
    if service == "s3":
        _, key = base.bucket_and_key(path, request.headers.get("host", ""))
        operations.check(request.method, bool(key), request.query)
