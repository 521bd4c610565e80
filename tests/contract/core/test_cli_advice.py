"""``suggest-suite`` and ``drift`` as their users type them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from firelake.cli import main
from firelake.quality.suite import load_suite

from tests.contract.core.lake import DAY, TestLake, body_of, record
from tests.unit.compact.lake import SUITES

SPEC = """\
name: {name}
owner: tests
description: Readings.
raw: {{prefix: {name}/}}
columns:
  device: {{path: d, type: int, required: true}}
  value: {{path: v, type: double}}
  taken_at: {{path: t, type: timestamp}}
  label: {{path: l, type: string}}
event_time: taken_at
quality: {{suite: {suite}}}
"""


@pytest.fixture
def spec(lake: TestLake, tmp_path: Path) -> Path:
    path = tmp_path / f"{lake.dataset.name}.yaml"
    path.write_text(SPEC.format(name=lake.dataset.name, suite=SUITES / "readings.json"))
    lake.put(DAY + timedelta(hours=23), body_of(record(number) | {"b": 1} for number in range(300)))
    return path


def test_a_suite_is_proposed_that_can_be_read(
    lake: TestLake, spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["suggest-suite", "--spec", str(spec)]) == 1
    assert "nothing is published yet" in capsys.readouterr().err
    lake.run("2026-11-21")
    assert main(["suggest-suite", "--spec", str(spec)]) == 0
    proposed = tmp_path / "suite.json"
    proposed.write_text(capsys.readouterr().out)
    columns = {column.name: column.type for column in lake.dataset.columns}
    rules = {rule.name for rule in load_suite(proposed, columns).rules}
    assert {"rows.any", "value.range", "label.known"} <= rules


def test_drift_is_shown_with_a_proposal(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", "--spec", str(spec), "--period", "2026-11-21"]) == 0
    said = capsys.readouterr().out
    assert "300 records of 1 object sampled" in said
    assert "path: b" in said
    assert main(["drift", "--spec", str(spec), "--period", "2026-11-21", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["drifts"]
    assert (found["change"], found["field"], found["share"]) == ("new", "b", 1.0)
