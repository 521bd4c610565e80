"""AWS clients, and their errors in the lake's own terms: the only module of the core that knows boto3."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.loaders import Loader, create_loader
from botocore.session import Session as BotocoreSession

from firelake.errors import FirelakeError, LakeUnreachable

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sts import STSClient

Service = Literal["athena", "firehose", "glue", "s3", "sns", "sts"]

_CONFIG = Config(
    # Adaptive mode slows down by itself when AWS throttles; five tries keep a dead endpoint's error prompt.
    retries={"mode": "adaptive", "total_max_attempts": 5},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=32,
    user_agent_extra="firelake",
)
# Sessions, unlike clients, may not be used by two threads at once.
_CREATING = threading.Lock()

_SUBJECT_LENGTH = 100
_MESSAGE_BYTES = 256 << 10

_MISSING = frozenset(
    {
        "404",
        "EntityNotFoundException",
        "MetadataException",
        "NoSuchBucket",
        "NoSuchKey",
        "NotFound",
        "ResourceNotFoundException",
    }
)
_DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "ExpiredToken",
        "ExpiredTokenException",
        "Forbidden",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


@overload
def client(service: Literal["athena"]) -> AthenaClient: ...
@overload
def client(service: Literal["firehose"]) -> FirehoseClient: ...
@overload
def client(service: Literal["glue"]) -> GlueClient: ...
@overload
def client(service: Literal["s3"]) -> S3Client: ...
@overload
def client(service: Literal["sns"]) -> SNSClient: ...
@overload
def client(service: Literal["sts"]) -> STSClient: ...
def client(service: Service) -> Any:
    """Return this process's client of a service; threads may share it.

    boto3 takes endpoint, region and credentials from the environment (``AWS_ENDPOINT_URL`` …).

    Raises
    ------
    LakeUnreachable
        If the environment names no region, half of a credential, or an endpoint that is no URL.
    """
    with _CREATING, reaching(service):
        return _client(service, os.getpid(), os.environ.get("AWS_ENDPOINT_URL"))


def preload() -> None:
    """Read what describes the services, so that no fork of this process has to."""
    for service in get_args(Service):
        _session().client(service, region_name="us-east-1")


def _session() -> Session:
    session = BotocoreSession()
    session.register_component("data_loader", _loader())
    return Session(botocore_session=session)


@lru_cache(maxsize=1)
def _loader() -> Loader:
    """Return the reader of the services' descriptions; what it has read it keeps, for every session."""
    return create_loader()


@lru_cache(maxsize=32)
def _client(service: Service, _process: int, _endpoint: str | None) -> Any:
    """Make a client; a forked process must not share its parent's connections."""
    try:
        return _session().client(service, config=_CONFIG)
    except ValueError as error:
        raise LakeUnreachable(f"AWS_ENDPOINT_URL: {error}; write it like http://127.0.0.1:4566") from error


@contextmanager
def reaching(target: str) -> Iterator[None]:
    """Raise what AWS refuses inside the block as an error that names ``target`` and says what to do.

    Parameters
    ----------
    target
        What the calls are about: an ``s3://`` address, a table, a stream.

    Raises
    ------
    LakeUnreachable
        If the endpoint does not answer, refuses access, or says that the target does not exist.
    FirelakeError
        If AWS refuses for another reason, which the message carries.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(target, error) from error
    except (BotoConnectionError, HTTPClientError) as error:
        raise LakeUnreachable(
            f"{target}: {_endpoint()} does not answer ({error}); start it, or correct AWS_ENDPOINT_URL"
        ) from error
    except NoRegionError as error:
        raise LakeUnreachable(f"{target}: no region; set AWS_DEFAULT_REGION") from error
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise LakeUnreachable(
            f"{target}: no credentials ({error}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "a profile or a role"
        ) from error


def error_code(error: Exception) -> str:
    """Return AWS's code of an error that a client raised, such as ``NoSuchKey``; else an empty text."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def is_missing(error: Exception) -> bool:
    """Tell whether a client's error says that what was asked for does not exist."""
    return error_code(error) in _MISSING


def ensure_bucket(name: str) -> None:
    """Make a bucket, in the environment's region, if it does not exist.

    Raises
    ------
    LakeUnreachable
        If S3 does not answer or refuses access.
    """
    s3 = client("s3")
    with reaching(f"s3://{name}"):
        try:
            s3.head_bucket(Bucket=name)
        except ClientError as error:
            if not is_missing(error):
                raise
            # S3 wants no constraint for its first region, and one for every other.
            elsewhere: Any = {"CreateBucketConfiguration": {"LocationConstraint": s3.meta.region_name}}
            s3.create_bucket(Bucket=name, **({} if s3.meta.region_name == "us-east-1" else elsewhere))


def ensure_topic(name: str) -> None:
    """Make an SNS topic in the environment's account and region if it does not exist.

    Raises
    ------
    LakeUnreachable
        If SNS does not answer or refuses access.
    """
    with reaching(f"SNS topic {name}"):
        client("sns").create_topic(Name=name)


def publish_message(topic: str, subject: str, text: str, attributes: Mapping[str, str]) -> None:
    """Publish a message to an SNS topic, given by its ARN or by its name in the environment's account.

    Raises
    ------
    LakeUnreachable
        If SNS does not answer or refuses access, or there is no such topic.
    """
    with reaching(f"SNS topic {topic}"):
        client("sns").publish(
            TopicArn=topic if topic.startswith("arn:") else _topic_arn(topic),
            # SNS takes one line of ASCII, for it may become the subject of an e-mail.
            Subject=_as_subject(subject),
            Message=text.encode()[:_MESSAGE_BYTES].decode(errors="ignore"),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )


def _topic_arn(name: str) -> str:
    caller = client("sts").get_caller_identity()
    partition = caller["Arn"].split(":")[1]
    return f"arn:{partition}:sns:{client('sns').meta.region_name}:{caller['Account']}:{name}"


def _as_subject(text: str) -> str:
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return plain if len(plain) <= _SUBJECT_LENGTH else f"{plain[: _SUBJECT_LENGTH - 3]}..."


def list_objects(bucket: str, prefix: str) -> Iterator[ObjectTypeDef]:
    """Yield the objects whose keys begin with ``prefix``, as S3 describes them."""
    for page in _pages(bucket, prefix):
        yield from page.get("Contents", [])


def list_folders(bucket: str, prefix: str) -> Iterator[str]:
    """Yield what keys that begin with ``prefix`` have up to the next slash, slash included."""
    for page in _pages(bucket, prefix, Delimiter="/"):
        for folder in page.get("CommonPrefixes", []):
            yield folder["Prefix"]


def _pages(bucket: str, prefix: str, **options: Any) -> Iterator[ListObjectsV2OutputTypeDef]:
    with reaching(f"s3://{bucket}/{prefix}"):
        paginator = client("s3").get_paginator("list_objects_v2")
        yield from paginator.paginate(Bucket=bucket, Prefix=prefix, **options)


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL", "AWS")


def _refusal(target: str, error: ClientError) -> FirelakeError:
    code, operation = error_code(error), error.operation_name
    said = str(error.response.get("Error", {}).get("Message", "")) or code
    if code in _MISSING:
        return LakeUnreachable(
            f"{target}: {operation} at {_endpoint()} found nothing there ({code}: {said}); "
            "create it, or correct FIRELAKE_NAME"
        )
    if code in _DENIED:
        return LakeUnreachable(
            f"{target}: {operation} at {_endpoint()} was denied ({code}: {said}); "
            "check the role's policy and the credentials"
        )
    return FirelakeError(f"{target}: {operation} at {_endpoint()} failed ({code}: {said})")
