"""The Lambda transform inside a stream: stamped records, and failed ones that can be replayed."""

import base64
import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from firelake import aws
from firelake.catalog import prepare_lake
from firelake.cli import main
from firelake.errors import FirelakeError
from firelake.layout import Lake, Zone
from firelake.spec import Dataset, load_dataset
from firelake.tables import trusted

from ingest.stream import declare
from ingest.transform.package import HANDLER, package
from tests.contract.core.lake import record
from tests.contract.core.test_cli import SUITE
from tests.fixtures.local_aws import LocalAws

SPEC = """\
name: {name}
owner: tests
description: Readings through a transform.
raw: {{prefix: {name}/, error_prefix: "errors/{name}/"}}
columns:
  device: {{path: d, type: int, required: true}}
  value: {{path: v, type: double}}
  taken_at: {{path: t, type: timestamp}}
  arrived_at: {{path: _firelake.arrived_at, type: timestamp}}
event_time: taken_at
max_lateness: 2d
quality: {{suite: suite.json, max_quarantine_rate: 1.0}}
"""
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def function_arn(local_aws: LocalAws) -> str:
    created = boto3.client("lambda").create_function(
        FunctionName=f"transform-{uuid4().hex[:8]}",
        Runtime="python3.11",
        Handler=HANDLER,
        Role="arn:aws:iam::000000000000:role/transform",
        Code={"ZipFile": package()},
        Timeout=60,
    )
    return str(created["FunctionArn"])


@dataclass
class Site:
    """A stream through the transform, and a clock."""

    local_aws: LocalAws
    lake: Lake
    spec: Path
    dataset: Dataset
    stream: str
    capsys: pytest.CaptureFixture[str]

    def send(self, at: datetime, *bodies: bytes) -> None:
        """Send, and let the stream deliver."""
        self.local_aws.set_clock(at)
        aws.client("firehose").put_record_batch(
            DeliveryStreamName=self.stream, Records=[{"Data": body} for body in bodies]
        )
        self.local_aws.set_clock(at + timedelta(minutes=10))

    def firelake(self, *words: str) -> dict[str, Any]:
        self.capsys.readouterr()
        assert main([*words, "--spec", str(self.spec), "--json"]) == 0
        outcome: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return outcome

    def rows(self) -> list[dict[str, Any]]:
        rows = trusted(self.dataset).load(self.lake).scan().to_arrow().to_pylist()
        return sorted(rows, key=lambda row: row["device"])


@pytest.fixture
def site(
    local_aws: LocalAws,
    function_arn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Site]:
    name = f"transformed_{uuid4().hex[:8]}"
    (tmp_path / "suite.json").write_text(json.dumps(SUITE))
    spec = tmp_path / f"{name}.yaml"
    spec.write_text(SPEC.format(name=name))
    monkeypatch.setitem(os.environ, "FIRELAKE_NAME", name.replace("_", "-"))
    lake, dataset = Lake.from_environment(), load_dataset(spec)
    prepare_lake(lake, [dataset])
    yield Site(local_aws, lake, spec, dataset, declare(lake, dataset, transform_arn=function_arn), capsys)
    local_aws.set_clock(None)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def body(number: int) -> bytes:
    return json.dumps(record(number)).encode()


def test_records_are_stamped_and_the_same_one_sent_twice_stays_one(site: Site) -> None:
    site.send(NOON, body(1), body(2) + body(3), b"")
    site.send(NOON + timedelta(hours=1), body(1))
    raw = [
        aws.client("s3").get_object(Bucket=site.lake.bucket(Zone.RAW), Key=item["Key"])["Body"].read()
        for item in aws.list_objects(site.lake.bucket(Zone.RAW), "")
    ]
    assert len(raw) == 2
    accounting = site.firelake("run", "--period", "2026-11-21")["runs"][0]["accounting"]
    assert (accounting["records_in"], accounting["duplicates"]) == (4, 1)
    assert [row["device"] for row in site.rows()] == [1, 2, 3]
    assert {row["arrived_at"].replace(tzinfo=UTC) for row in site.rows()} == {NOON}
    assert {row["_extra"] for row in site.rows()} == {'{"l":"a"}'}


def test_failed_records_are_shown_and_replayed_into_the_books_once(site: Site) -> None:
    broken, empty_key = b'{"d": 7, "v": ', b'{"_firelake": 1, "d": 8, "t": "2026-11-21T11:00:00"}'
    site.send(NOON, body(1), broken, empty_key)
    [listed] = site.firelake("errors", "list")["failed"]
    code = "Lambda.ProcessingFailedStatus"
    assert listed == {
        "arrival_period": "2026-11-21",
        "code": code,
        "records": 2,
        "replayed": 0,
        "objects": 1,
    }
    shown = site.firelake("errors", "show")["records"]
    assert [(one["raw_text"], one["code"]) for one in shown] == [
        (broken.decode(), code),
        (empty_key.decode(), code),
    ]
    assert {one["arrived_at"] for one in shown} == {NOON.isoformat()}
    assert site.firelake("errors", "show", "--limit", "1")["records"] == shown[:1]
    for anew in (True, False):
        outcome = site.firelake("errors", "replay", "--object", shown[0]["error_object"])
        assert [(one["anew"], one["records"]) for one in outcome["replayed"]] == [(anew, 2)]
        accounting = outcome["runs"][0]["accounting"]
        assert (accounting["records_in"], accounting["quarantined"]) == (3, {"malformed_json": 1})
    assert site.firelake("errors", "list")["failed"][0]["replayed"] == 2
    assert [row["device"] for row in site.rows()] == [1, 8]
    assert site.firelake("errors", "list", "--since", "2026-11-22", "--until", "2026-11-22")["failed"] == []


def test_both_of_firehoses_schemas_are_read_however_their_keys_are_written(site: Site) -> None:
    lines = [
        {"errorCode": "Lambda.FunctionError", "errorMessage": "Timed out.", "rawData": body(1)},
        {"ErrorCode": "Lambda.FunctionError", "ErrorMessage": "Timed out.", "RAWDATA": body(2)},
        {
            "lastErrorCode": "DataFormatConversion.ParseError",
            "lastErrorMessage": "oops",
            "rawData": body(3),
            "sequenceNumber": "4",
            "dataCatalogTable": {"tableName": "t"},
        },
    ]
    arrived = {"attemptsMade": 4, "arrivalTimestamp": int(NOON.timestamp() * 1000)}
    written = "".join(json.dumps({**arrived, **line}, default=_base64) + "\n" for line in lines)
    key = f"errors/{site.dataset.name}/format-conversion-failed/2026/11/21/12/s-1-x.gz"
    bucket = site.lake.bucket(Zone.RAW)
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(written.encode()))
    listed = site.firelake("errors", "list")["failed"]
    assert [(one["code"], one["records"]) for one in listed] == [
        ("DataFormatConversion.ParseError", 1),
        ("Lambda.FunctionError", 2),
    ]
    site.firelake("errors", "replay")
    assert [row["device"] for row in site.rows()] == [1, 2, 3]


def test_an_object_that_is_no_error_object_is_named_with_its_line(site: Site) -> None:
    key = f"errors/{site.dataset.name}/processing-failed/2026/11/21/12/note.txt"
    aws.client("s3").put_object(Bucket=site.lake.bucket(Zone.RAW), Key=key, Body=b'{"rawData": "!"}\n')
    assert main(["errors", "list", "--spec", str(site.spec)]) == 1
    assert f"{key}:1: no error record of Firehose" in site.capsys.readouterr().err


def test_the_function_logs_its_figures_to_cloudwatch(site: Site, function_arn: str) -> None:
    site.send(NOON, body(1), b"oops")
    group = f"/aws/lambda/{function_arn.rpartition(':')[2]}"
    events = boto3.client("logs").filter_log_events(logGroupName=group)["events"]
    entries = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
    own = [entry for entry in entries if site.stream in (entry.get("Stream"), entry.get("stream"))]
    assert [entry["reason"] for entry in own if "reason" in entry] == ["malformed_json"]
    [figures] = [entry for entry in own if "_aws" in entry]
    assert (figures["RecordsIn"], figures["RecordsOk"], figures["RecordsFailed"]) == (2, 1, 1)


def test_a_stream_with_another_transform_is_refused(site: Site, function_arn: str) -> None:
    assert declare(site.lake, site.dataset, transform_arn=function_arn) == site.stream
    with pytest.raises(FirelakeError, match=r"exists with the transform arn:.*, not None"):
        declare(site.lake, site.dataset)
