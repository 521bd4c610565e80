"""A failed gate stops everything behind it."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from firelake.iceberg import load_table
from firelake.layout import Lake, Zone

from tests.e2e.conftest import LocalLake
from tests.fixtures.local_aws import LocalAws

pytestmark = pytest.mark.timeout(600)

DATASET = "iot_device_telemetry"
STRICT: dict[str, Any] = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "temperature_c", "min_value": 0, "max_value": 50},
    "severity": "critical",
    "description": "Devices stay below 50 °C",
    "meta": {"rule": "temperature_at_most_50"},
}


@pytest.fixture
def strict_lake(make_lake: Callable[..., LocalLake], project: Path) -> LocalLake:
    """Give a stack whose suite the simulated devices cannot meet."""
    path = project / "expectations" / f"{DATASET}.json"
    suite = json.loads(path.read_text())
    suite["expectations"].append(STRICT)
    path.write_text(json.dumps(suite))
    return make_lake(project)


def test_nothing_is_published_and_the_report_says_why(
    strict_lake: LocalLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = strict_lake.demo()

    assert done.returncode == 1
    assert "gate: GateFailed" in done.stderr
    assert "temperature_at_most_50" in done.stderr
    assert "Traceback" not in done.stderr
    with sqlite3.connect(strict_lake.settings.airflow_home / "airflow.db") as airflow:
        dag_ids = {dag_id for (dag_id,) in airflow.execute("SELECT dag_id FROM dag_run")}
        tries = airflow.execute("SELECT max(try_number) FROM task_instance WHERE task_id = 'gate'").fetchone()
    assert dag_ids == {f"{DATASET}__pipeline"}
    assert tries == (1,)

    local_aws = LocalAws.start(strict_lake.settings.aws_data)
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint_url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "local")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        assert load_table(Lake("firelake"), Zone.TRUSTED, DATASET).current_snapshot() is None
        (page, *_) = _reports(Lake("firelake"))
    finally:
        local_aws.stop()
    assert "temperature_at_most_50" in page


def _reports(lake: Lake) -> list[str]:
    from firelake.storage import Bucket

    bucket = Bucket(lake.bucket(Zone.OPS))
    return [bucket.read(report.key).decode() for report in bucket.list(f"reports/{DATASET}/")]
