"""Puts our resource types into ministack's CloudFormation.

ministack's templates write to its own Glue, Firehose and Athena, which nobody here reads, and drop
what it does not know of a bucket. So its handlers of these types are replaced by ones that call the
services of Local AWS, and every other type of these services becomes unknown: a template that needs
one is refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence

from localaws import base
from localaws.cloudformation import rest_apis
from localaws.cloudformation.buckets import Buckets
from localaws.cloudformation.resources import RESOURCE_TYPES, Provisioner
from localaws.s3.service import S3Service
from localaws.service import AwsError, Handler, HttpRequest, Service

_OWN_TYPES = ("AWS::Athena::", "AWS::Glue::", "AWS::KinesisFirehose::")
_BUCKET = "AWS::S3::Bucket"


def install(services: Sequence[Service]) -> None:
    """Replace ministack's handlers of resource types.

    Parameters
    ----------
    services
        The services of Local AWS, S3 among them.
    """
    handlers = base.cloudformation_handlers()
    operations: dict[str, dict[str, Handler]] = {}
    for service in services:
        operations.setdefault(service.target_prefix, {}).update(service.operations)
    for name in [name for name in handlers if name.startswith(_OWN_TYPES)]:
        del handlers[name]
    for name, resource_type in RESOURCE_TYPES.items():
        made = Provisioner(resource_type, operations[resource_type.target])
        handlers[name] = {"create": made.create, "update": made.update, "delete": made.delete}
    s3 = next(service for service in services if isinstance(service, S3Service))
    buckets = Buckets(_Subresources(s3).send, lambda: base.save_states(["s3"]))
    handlers[_BUCKET] = buckets.around(handlers[_BUCKET])
    rest_apis.install(handlers)


class _Subresources:
    """Sends requests for subresources of buckets to whoever answers them."""

    def __init__(self, s3: S3Service) -> None:
        self._s3 = s3

    def send(self, method: str, bucket: str, subresource: str, body: bytes) -> None:
        request = HttpRequest("s3", method, f"/{bucket}", {subresource: [""]}, {})
        try:
            if self._s3.answers(request):
                self._s3.answer(request, body)
                return
        except AwsError as error:
            raise ValueError(f"{bucket} ?{subresource}: {error.code}: {error.message}") from error
        status, _, answer = base.call_s3(method, bucket, "", body, {}, {subresource: ""})
        if status >= 300:
            raise ValueError(f"{bucket} ?{subresource}: {answer.decode()}")
