from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from firelake import aws
from firelake.errors import FirelakeError, LakeUnreachable
from firelake.layout import Lake, Zone
from firelake.spec import find_dataset

from ingest.__main__ import main
from ingest.stream import Buffering, declare
from tests.fixtures.local_aws import LocalAws
from tests.unit.ingest.campaigns import count_outcomes, flat

NUMBERS = count(1)
DATASET = find_dataset("iot_device_telemetry")
ODD = ["--duplicate-share=0.2", "--late-share=0.2", "--malformed-share=0.2", "--late-days=2"]
TWO_DAYS = ["--start=2026-11-19", "--end=2026-11-21"]


@pytest.fixture
def lake(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws
) -> Iterator[Lake]:
    name = f"sim-{abs(hash(request.node.name)) % 10**8}"
    monkeypatch.setenv("FIRELAKE_NAME", name)
    yield Lake(name)
    local_aws.set_faults({})
    local_aws.set_clock(None)


def simulate(local_aws: LocalAws, out: Path, *options: str) -> dict[str, object]:
    """Run the command in this process and return what it says it sent."""
    clock = f"--clock-url={local_aws.endpoint_url}/_localaws/clock"
    assert main(["simulate", DATASET.name, clock, f"--out={out}", *TWO_DAYS, *options]) == 0
    sent: dict[str, object] = json.loads(out.read_text())
    return sent


def raw_objects(lake: Lake) -> dict[str, bytes]:
    """Return the decompressed raw objects by key."""
    s3, bucket = aws.client("s3"), lake.bucket(Zone.RAW)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=DATASET.raw.prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}


def arrival(key: str) -> datetime:
    stamp = key.removesuffix(".gz").split("-")[-11:-5]
    return datetime(*map(int, stamp), tzinfo=UTC)  # type: ignore[misc, arg-type]


def outcomes_by_day(objects: dict[str, bytes]) -> dict[str, Counter[str]]:
    seen: set[str] = set()
    days: dict[str, Counter[str]] = {}
    for key, raw in sorted(objects.items(), key=lambda item: arrival(item[0])):
        day = f"{arrival(key):%Y-%m-%d}"
        days[day] = days.get(day, Counter()) + count_outcomes(raw, arrival(key), seen)
    return days


def test_what_lies_in_raw_is_what_it_says_it_sent_day_by_day(
    lake: Lake, local_aws: LocalAws, tmp_path: Path
) -> None:
    declare(lake, DATASET)
    sent = simulate(local_aws, tmp_path / "sent.json", "--records=3000", *ODD)
    objects = raw_objects(lake)
    assert len(objects) == 144
    assert sum(map(len, objects.values())) == sent["bytes_sent"]
    expected = {day: +flat(counts) for day, counts in sent["days_sent"].items()}  # type: ignore[attr-defined]
    assert outcomes_by_day(objects) == expected


def test_records_that_firehose_refuses_are_sent_again_and_none_is_lost(
    lake: Lake, local_aws: LocalAws, tmp_path: Path
) -> None:
    declare(lake, DATASET)
    local_aws.set_faults({"firehose.PutRecordBatch": {"fail_share": 0.3}})
    sent = simulate(local_aws, tmp_path / "sent.json", "--records=1500", "--end=2026-11-19T01:00", *ODD)
    assert int(str(sent["resends"])) > 300
    found = sum(outcomes_by_day(raw_objects(lake)).values(), Counter[str]())
    assert found == +flat(sent["expected"])  # type: ignore[arg-type]


def test_declaring_twice_changes_nothing_and_another_prefix_is_refused(lake: Lake) -> None:
    name = declare(lake, DATASET, buffering=Buffering(interval_s=60))
    assert declare(lake, DATASET) == name
    described = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=name)
    destination = described["DeliveryStreamDescription"]["Destinations"][0][
        "ExtendedS3DestinationDescription"
    ]
    assert destination["Prefix"] == "iot_device_telemetry/"
    assert destination["ErrorOutputPrefix"].startswith("errors/iot_device_telemetry/")
    assert destination["CompressionFormat"] == "GZIP"
    assert destination["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 60}
    moved = DATASET.model_copy(update={"raw": DATASET.raw.model_copy(update={"prefix": "elsewhere/"})})
    with pytest.raises(FirelakeError, match="Prefix 'iot_device_telemetry/', but the spec says 'elsewhere/'"):
        declare(lake, moved)


def test_a_rate_and_a_duration_say_how_much_is_sent_and_faults_how_much_of_it_is_odd(
    lake: Lake, tmp_path: Path
) -> None:
    declare(lake, DATASET)
    out = tmp_path / "sent.json"
    how = ["--rate=2000", "--duration=1s", "--faults=none", f"--out={out}"]
    assert main(["simulate", DATASET.name, *how]) == 0
    sent = json.loads(out.read_text())
    assert sent["expected"] == {"records_in": 2000, "trusted": 2000, "duplicates": 0, "quarantined": {}}
    assert main(["simulate", DATASET.name, *how, "--duplicate-share=1"]) == 0
    assert json.loads(out.read_text())["expected"]["duplicates"] == 2000


def test_a_missing_stream_ends_in_an_error_that_names_it(
    lake: Lake, local_aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = f"--clock-url={local_aws.endpoint_url}/_localaws/clock"
    assert main(["simulate", DATASET.name, clock, "--records=10"]) == 1
    assert f"error: stream {lake.name}-{DATASET.name}: " in capsys.readouterr().err


def test_a_span_in_the_past_needs_a_clock(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", DATASET.name, *TWO_DAYS]) == 1
    assert "--start and --end need --clock-url" in capsys.readouterr().err


def test_an_endpoint_that_does_not_answer_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(LakeUnreachable, match=r"http://127\.0\.0\.1:9 does not answer"):
        declare(lake, DATASET)


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--help"])
    assert ended.value.code == 0
    assert "--duplicate-share" in capsys.readouterr().out
