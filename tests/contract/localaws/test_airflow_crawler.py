"""Airflow's crawler operator, waiting itself and deferred, against a crawler that really crawls."""

from __future__ import annotations

import asyncio
import uuid

import boto3
import pytest
from airflow.providers.amazon.aws.operators.glue_crawler import GlueCrawlerRunOperator
from airflow.sdk.exceptions import TaskDeferred

from tests.fixtures.local_aws import LocalAws


@pytest.fixture
def crawler(local_aws: LocalAws) -> str:
    name = f"airflow{uuid.uuid4().hex[:8]}"
    s3, glue = boto3.client("s3"), boto3.client("glue")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="raw/2026/a", Body=b'{"id": 1}')
    targets = {"S3Targets": [{"Path": f"s3://{name}/raw/"}]}
    role = "arn:aws:iam::000000000000:role/crawler"
    glue.create_crawler(Name=name, Role=role, DatabaseName=name, Targets=targets)
    return name


def tables(database: str) -> list[str]:
    return [table["Name"] for table in boto3.client("glue").get_tables(DatabaseName=database)["TableList"]]


def test_operator_waits_for_the_crawl(crawler: str) -> None:
    operator = GlueCrawlerRunOperator(
        task_id="crawl", crawler_name=crawler, wait_for_completion=True, poll_interval=1, aws_conn_id=None
    )
    operator.execute({})
    assert tables(crawler) == ["raw"]


def test_operator_defers_until_the_crawl_ends(crawler: str) -> None:
    operator = GlueCrawlerRunOperator(
        task_id="crawl", crawler_name=crawler, deferrable=True, poll_interval=1, aws_conn_id=None
    )
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({})

    async def first_event() -> dict:
        return (await anext(deferred.value.trigger.run())).payload

    event = asyncio.run(first_event())
    assert event["status"] == "success"
    operator.execute_complete({}, event)
    assert tables(crawler) == ["raw"]
