"""Alerts from a run to a queue that is subscribed to the topic: said once, and kept while SNS fails."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from firelake import aws
from firelake.alerts.freshness import tell_of_stale
from firelake.alerts.outbox import Outbox
from firelake.catalog import prepare_lake
from firelake.errors import GateFailed
from firelake.quality.checkpoint import judge_stage
from firelake.spec.alerts import Alerts
from firelake.spec.dataset import Quality
from firelake.status import status

from tests.contract.core.lake import DAY, TestLake, body_of, record

STRICT = {
    "name": "readings",
    "expectations": [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "value", "max_value": 1},
            "severity": "critical",
            "description": "Values are shares.",
            "meta": {"rule": "value.share"},
        }
    ],
}


@dataclass(frozen=True)
class Subscriber:
    """A queue that gets what is published to a lake's topic."""

    url: str

    @classmethod
    def of(cls, topic: str) -> Subscriber:
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName=topic)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns = aws.client("sns")
        topics = [
            one["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for one in page["Topics"]
        ]
        (topic_arn,) = (one for one in topics if one.endswith(f":{topic}"))
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        return cls(url)

    def received(self) -> list[dict[str, Any]]:
        sqs = boto3.client("sqs")
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def told(lake: TestLake, tmp_path: Path) -> tuple[TestLake, Subscriber]:
    suite = tmp_path / "suite.json"
    suite.write_text(json.dumps(STRICT))
    alerts = Alerts(sns_topic="quality", quarantine_rate=0.2)
    quality = Quality(suite=suite, max_quarantine_rate=0.9)
    dataset = lake.dataset.model_copy(update={"alerts": alerts, "quality": quality})
    prepare_lake(lake.lake, [dataset])
    return replace(lake, dataset=dataset), Subscriber.of(lake.lake.topic("quality"))


def test_a_block_and_a_rate_are_told_once_with_what_to_do(told: tuple[TestLake, Subscriber]) -> None:
    lake, subscriber = told
    lake.put(DAY + timedelta(hours=1), body_of([record(9), {**record(1), "d": "x"}]))
    stage = lake.stage("2026-11-21")
    for _ in range(2):
        with pytest.raises(GateFailed):
            judge_stage(lake.lake, lake.dataset, stage)
    received = {message["MessageAttributes"]["event"]["Value"]: message for message in subscriber.received()}
    assert received.keys() == {"gate_failed", "quarantine_rate"}
    blocked, rate = received["gate_failed"], received["quarantine_rate"]
    name = lake.dataset.name
    assert blocked["Subject"] == f"{name} 2026-11-21: nothing was published"
    assert "value.share (critical, 2026-11-21): 1 of 1 rows fail" in blocked["Message"]
    assert f"s3://{lake.lake.name}-ops/reports/{name}/2026-11-21/{stage.run_id}.html" in blocked["Message"]
    assert rate["Subject"] == f"{name} 2026-11-21: 50.00% of records refused"
    assert f"firelake quarantine show {name} --run {stage.run_id}" in rate["Message"]
    assert subscriber.received() == []


def test_a_run_that_is_as_it_should_be_tells_nobody(told: tuple[TestLake, Subscriber]) -> None:
    lake, subscriber = told
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    assert judge_stage(lake.lake, lake.dataset, lake.stage("2026-11-21")).passed
    assert subscriber.received() == []


def test_what_cannot_be_sent_waits_and_the_gate_goes_on(
    told: tuple[TestLake, Subscriber], caplog: pytest.LogCaptureFixture
) -> None:
    lake, subscriber = told
    lake.put(DAY + timedelta(hours=1), body_of([record(9)]))
    lost = lake.dataset.model_copy(update={"alerts": Alerts(sns_topic="lost")})
    with pytest.raises(GateFailed):
        judge_stage(lake.lake, lost, lake.stage("2026-11-21"))
    (waiting,) = Outbox(lake.lake).waiting(lake.dataset.name)
    assert waiting in caplog.text
    assert f"SNS topic {lake.lake.topic('lost')}" in caplog.text

    prepare_lake(lake.lake, [lost])
    late = Subscriber.of(lake.lake.topic("lost"))
    Outbox(lake.lake).post(lake.dataset.name, [])
    assert [message["Subject"] for message in late.received()] == [
        f"{lake.dataset.name} 2026-11-21: nothing was published"
    ]
    assert Outbox(lake.lake).waiting(lake.dataset.name) == ()
    assert subscriber.received() == []


def test_a_stale_dataset_is_told_once_per_newest_record(told: tuple[TestLake, Subscriber]) -> None:
    lake, subscriber = told
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    lake.run("2026-11-21")

    def look(hours: int) -> list[str]:
        now = DAY + timedelta(hours=hours)
        tell_of_stale(lake.lake, [(lake.dataset, status(lake.lake, lake.dataset, now))])
        return [message["MessageAttributes"]["event"]["Value"] for message in subscriber.received()]

    assert [look(2), look(30), look(31)] == [[], ["freshness"], []]
    lake.put(DAY + timedelta(days=1, hours=1), body_of([record(1, DAY + timedelta(days=1))]))
    lake.run("2026-11-22")
    assert [look(31), look(60)] == [[], ["freshness"]]
