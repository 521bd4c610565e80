"""Which requests to ministack change state that must outlive a kill: it alone saves on a clean stop only."""

from __future__ import annotations

from localaws import base
from localaws.service import HttpRequest

_STATES = {
    "apigateway": ("apigateway", "apigateway_v1"),
    "cloudformation": ("apigateway", "apigateway_v1", "cloudformation", "iam", "lambda", "kms", "s3"),
    "iam": ("iam",),
    "kinesis": ("kinesis",),
    "kms": ("kms",),
    "lambda": ("lambda",),
}
_KINESIS_CHANGES = ("CreateStream", "DeleteStream")
_INVOCATIONS = "/invocations"


def states_changed_by(request: HttpRequest) -> tuple[str, ...]:
    """Return the names of the states that a request may change and that are small enough to be saved for it.

    Those of data, such as the records of Kinesis and the messages of SQS, are not among them.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return ()
    if request.service == "s3":
        bucket, key = base.bucket_and_key(request.path, request.headers.get("host", ""))
        return ("s3",) if bucket and not key and request.method in ("PUT", "DELETE") else ()
    if request.service == "kinesis":
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        return _STATES["kinesis"] if operation in _KINESIS_CHANGES else ()
    if request.is_execution or request.path.endswith(_INVOCATIONS):
        return ()
    return _STATES.get(request.service, ())
