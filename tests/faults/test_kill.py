"""A run that is killed at any step and run again ends in the rows of one that was not."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from firelake.layout import Zone, split_uri
from firelake.maintain import Maintenance
from firelake.periods import Grain, PeriodRange
from firelake.pipeline import Pipeline
from firelake.reconcile import reconcile
from firelake.storage import Bucket
from firelake.tables import quarantine, trusted

from tests.contract.core.lake import DAY, TestLake, body_of, record
from tests.faults.dying import STEPS
from tests.fixtures.local_aws import ROOT

PERIOD = PeriodRange.parse("2026-11-21", Grain.DAY)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_run_leaves_nothing_behind_that_the_next_does_not_mend(
    step: str, lake: TestLake, spec_path: Path
) -> None:
    pipeline = Pipeline(lake.lake, lake.dataset)
    lake.put(DAY + timedelta(hours=1), body_of([record(1), record(2)]))
    pipeline.run(PERIOD, "before")
    before = lake.trusted()
    lake.put(DAY + timedelta(hours=2), body_of([record(2), record(3), {**record(4), "d": "x"}]))

    command = [sys.executable, "-m", "tests.faults.dying", step, str(spec_path), PERIOD.key]
    killed = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    assert killed.returncode == -signal.SIGKILL
    seen = [row["device"] for row in lake.trusted()]
    assert seen == ([1, 2, 3] if step in ("committed", "ledger") else [1, 2])

    pipeline.run(PERIOD, "again")
    assert [row["device"] for row in lake.trusted()] == [1, 2, 3]
    assert lake.trusted()[:2] == before
    assert [row["reason"] for row in lake.quarantined()] == ["wrong_type"]
    found = reconcile(lake.lake, lake.dataset, PERIOD)
    assert found.complete, found
    _assert_no_orphans(lake)


def _assert_no_orphans(lake: TestLake) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    list(Maintenance(lake.lake, timedelta(hours=1), apply=True, now=later).run([lake.dataset], []))
    for declaration in (trusted(lake.dataset), quarantine(lake.dataset)):
        table = declaration.load(lake.lake)
        named = {split_uri(task.file.file_path)[1] for task in table.scan().plan_files()}
        stored = Bucket(lake.lake.bucket(declaration.zone)).list(f"{declaration.name}/data/")
        assert {info.key for info in stored} == named
    stages = list(Bucket(lake.lake.bucket(Zone.OPS)).list(f"stages/{lake.dataset.name}/"))
    assert len(stages) == 1
