from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from firelake import aws
from firelake.errors import FirelakeError, LakeUnreachable

ENDPOINT = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ENDPOINT)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as AWS says"}}, "GetObject")


def test_threads_share_one_client_of_a_service() -> None:
    with ThreadPoolExecutor(8) as threads:
        clients = list(threads.map(lambda _: aws.client("s3"), range(16)))
    assert {id(one) for one in clients} == {id(aws.client("s3"))}
    assert aws.client("glue").meta.service_model.service_name == "glue"


def test_another_endpoint_gets_another_client(monkeypatch: pytest.MonkeyPatch) -> None:
    first = aws.client("s3")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:10")
    assert aws.client("s3").meta.endpoint_url == "http://127.0.0.1:10"
    assert first.meta.endpoint_url == ENDPOINT


def test_a_forked_process_does_not_share_its_parents_client(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = aws.client("s3")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert aws.client("s3") is not parents


def test_no_region_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:11")
    with pytest.raises(LakeUnreachable, match="AWS_DEFAULT_REGION"):
        aws.client("athena")


def test_an_endpoint_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(LakeUnreachable, match=r"AWS_ENDPOINT_URL: .*not a url.*http://127\.0\.0\.1:4566"):
        aws.client("s3")


@pytest.mark.parametrize(
    ("raised", "expected", "says"),
    [
        (EndpointConnectionError(endpoint_url=ENDPOINT), LakeUnreachable, "does not answer"),
        (ReadTimeoutError(endpoint_url=ENDPOINT), LakeUnreachable, "does not answer"),
        (NoCredentialsError(), LakeUnreachable, "AWS_ACCESS_KEY_ID"),
        (refusal("NoSuchBucket"), LakeUnreachable, "found nothing there"),
        (refusal("404"), LakeUnreachable, "found nothing there"),
        (refusal("EntityNotFoundException"), LakeUnreachable, "found nothing there"),
        (refusal("AccessDenied"), LakeUnreachable, "policy"),
        (refusal("InternalError"), FirelakeError, "InternalError: as AWS says"),
    ],
)
def test_an_error_names_the_target_and_what_to_do(
    raised: Exception, expected: type[FirelakeError], says: str
) -> None:
    with pytest.raises(expected, match=says) as caught, aws.reaching("s3://lake-raw/key"):
        raise raised
    assert type(caught.value) is expected
    assert str(caught.value).startswith("s3://lake-raw/key: ")
    assert caught.value.__cause__ is raised


def test_other_exceptions_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), aws.reaching("s3://lake-raw/key"):
        raise ZeroDivisionError


def test_the_code_of_an_error_is_read_without_boto3() -> None:
    assert aws.error_code(refusal("NoSuchLifecycleConfiguration")) == "NoSuchLifecycleConfiguration"
    assert aws.error_code(ValueError()) == ""
    assert aws.is_missing(refusal("NoSuchKey"))
    assert not aws.is_missing(refusal("AccessDenied"))
