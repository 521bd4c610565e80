"""The command line against Local AWS, as its users type it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from firelake.cli import main
from firelake.cli.answer import BALANCE, GATE, OK

from tests.contract.core.lake import DAY, TestLake, body_of, record
from tests.unit.raw.packing import PACKINGS

SPEC = """\
name: {name}
owner: tests
description: Readings.
raw: {{prefix: {name}/}}
columns:
  device: {{path: d, type: int, required: true}}
  value: {{path: v, type: double}}
  taken_at: {{path: t, type: timestamp}}
  label: {{path: l, type: {label}}}
event_time: taken_at
max_lateness: 2d
quality: {{suite: suite.json, max_quarantine_rate: {rate}}}
"""
SUITE = {
    "name": "readings",
    "expectations": [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "device", "min_value": 0},
            "severity": "critical",
            "description": "Devices are numbered from 0.",
            "meta": {"rule": "device.positive"},
        }
    ],
}


class Command:
    """Runs commands about one lake's dataset, declared in a file elsewhere."""

    def __init__(self, lake: TestLake, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._path = folder / f"{lake.dataset.name}.yaml"
        self._name = lake.dataset.name
        self._capsys = capsys
        (folder / "suite.json").write_text(json.dumps(SUITE))

    def declare(self, label: str = "string", rate: float = 0.5) -> None:
        self._path.write_text(SPEC.format(name=self._name, label=label, rate=rate))

    def __call__(self, *words: str) -> tuple[int, dict[str, Any]]:
        code = main([*words, "--spec", str(self._path), "--json"])
        return code, json.loads(self._capsys.readouterr().out)


@pytest.fixture
def firelake(lake: TestLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    command = Command(lake, tmp_path, capsys)
    command.declare()
    return command


def test_a_day_from_plan_to_reconcile(lake: TestLake, firelake: Command) -> None:
    key = lake.put(DAY + timedelta(hours=1), body_of([record(1), record(1), {**record(2), "d": "x"}]))
    lake.put(DAY + timedelta(days=1, hours=1), body_of([record(3, DAY + timedelta(days=1))]))
    assert firelake("plan", "--period", "2026-11-21")[1]["objects"] == 1
    code, outcome = firelake("run", "--since", "2026-11-21", "--until", "2026-11-22")
    assert code == OK
    first, second = outcome["runs"]
    assert first["accounting"]["quarantined"] == {"wrong_type": 1}
    assert (first["rows"], second["rows"]) == ({"2026-11-21": 1}, {"2026-11-22": 1})
    status = firelake("status")[1]["datasets"][0]
    assert (status["rows"], status["last_run"]) == (2, second["run_id"])
    assert status["totals"] == {"records_in": 4, "trusted": 2, "duplicates": 1, "quarantined": 1}
    refused = firelake("quarantine", "list")[1]["refused"]
    assert refused == [{"arrival_period": "2026-11-21", "reason": "wrong_type", "records": 1, "objects": 1}]
    shown = firelake("quarantine", "show", "--object", key)[1]["records"]
    assert json.loads(shown[0]["raw_text"])["d"] == "x"
    assert firelake("quarantine", "replay", "--reason", "too_late")[1]["runs"] == []
    replayed = firelake("quarantine", "replay", "--reason", "wrong_type")[1]["runs"]
    assert [ran["arrival"] for ran in replayed] == ["2026-11-21"]
    code, outcome = firelake("rebuild", "--since", "2026-11-21", "--until", "2026-11-21")
    assert (code, outcome["runs"][0]["accounting"]["raw_objects"]) == (OK, 2)
    code, outcome = firelake("reconcile", "--since", "2026-11-20", "--until", "2026-11-22")
    assert (code, outcome["complete"], outcome["objects_recorded"]) == (OK, True, 2)
    assert [row["device"] for row in lake.trusted()] == [1, 3]


def test_hostile_objects_end_in_a_balanced_outcome(lake: TestLake, firelake: Command) -> None:
    firelake.declare(rate=1.0)
    for number, pack in enumerate(PACKINGS.values(), start=1):
        wrong, late = {**record(7), "d": "x"}, {**record(8), "t": "2026-10-01T00:00:00"}
        parts = [json.dumps(item).encode() for item in (record(number), record(0), wrong, late)]
        lake.put(DAY + timedelta(hours=number), pack(b"\\n".join([*parts, b'{"d": tru}'])))
    lake.put(DAY + timedelta(hours=20), body_of([record(99)])[:-4])
    lake.put(DAY + timedelta(hours=21), b"")
    code, outcome = firelake("run", "--period", "2026-11-21")
    assert code == OK
    books, packings = outcome["runs"][0]["accounting"], len(PACKINGS)
    refused = {"malformed_json": packings, "too_late": packings, "truncated_gzip": 1, "wrong_type": packings}
    assert books["quarantined"] == refused
    assert (books["trusted_new"], books["duplicates"]) == (packings + 2, packings - 1)
    assert books["records_in"] == books["trusted_new"] + books["duplicates"] + sum(refused.values())


def test_a_forgotten_object_and_a_wrong_count_are_found(lake: TestLake, firelake: Command) -> None:
    kept = lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    firelake("run", "--period", "2026-11-21")
    late = lake.put(DAY + timedelta(hours=2), body_of([record(2)]))
    lake.delete(kept)
    code, outcome = firelake("reconcile", "--since", "2026-11-21", "--until", "2026-11-21")
    assert (code, outcome["forgotten"], outcome["vanished"], outcome["wrong"]) == (
        BALANCE,
        [late],
        [kept],
        [],
    )
    lake.delete_rows()
    outcome = firelake("reconcile", "--since", "2026-11-21", "--until", "2026-11-21")[1]
    assert outcome["wrong"] == [f"{kept}: the ledger says 1 trusted rows, the table has 0"]


def test_what_the_gate_refuses_stays_unpublished(lake: TestLake, firelake: Command) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([{**record(1), "d": -1}]))
    code, outcome = firelake("run", "--period", "2026-11-21")
    assert (code, outcome["error"]["type"]) == (GATE, "GateFailed")
    assert "device.positive" in outcome["error"]["message"]
    assert lake.trusted() == []


def test_a_dry_run_publishes_nothing(lake: TestLake, firelake: Command) -> None:
    lake.put(DAY + timedelta(hours=1), body_of([record(1)]))
    code, outcome = firelake("run", "--period", "2026-11-21", "--dry-run")
    assert (code, outcome["runs"][0]["accounting"]["trusted_new"]) == (OK, 1)
    assert lake.trusted() == []
    assert lake.ledger() == []
