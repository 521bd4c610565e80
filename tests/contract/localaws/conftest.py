"""A clock that stands still, and a bucket of one's own: what tests of deliveries share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import boto3
import pytest

from tests.fixtures.delivery import START
from tests.fixtures.local_aws import LocalAws


@pytest.fixture
def clock(local_aws: LocalAws) -> Iterator[LocalAws]:
    """Yield Local AWS while its clock stands at ``START``."""
    local_aws.set_clock(START)
    yield local_aws
    local_aws.set_clock(None)


@pytest.fixture
def bucket(local_aws: LocalAws) -> str:
    """Return the name of a new bucket."""
    name = f"raw-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name
