"""Rows that fail a quarantining rule are split off, and both halves are held to the gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from firelake.quality import split
from firelake.quality.gate import evaluate
from firelake.quality.predicates import refusal_sql
from firelake.quality.result import Severity
from firelake.quality.split import judge_failed, quarantine_predicates
from firelake.spec import find_dataset
from firelake.spec.load import PROJECT_ROOT

from tests.unit.quality.conftest import SCHEMA, SubjectOf, reading, readings

DATASET = find_dataset("iot_device_telemetry")
HOT = [reading(i, temperature_c=900) for i in range(50, 57)]
STRANGE = [reading(i, device_id=12, temperature_c=101) for i in range(57, 60)]


@pytest.fixture
def quarantining(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The dataset's suite, with two rules that quarantine."""
    document = json.loads((PROJECT_ROOT / DATASET.quality.suite).read_text())
    for entry in document["expectations"]:
        if entry["meta"]["rule"] in {"device_id.known", "temperature_c.plausible"}:
            entry["meta"]["on_failure"] = "quarantine"
    path = tmp_path / DATASET.quality.suite
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    monkeypatch.setattr(split, "PROJECT_ROOT", tmp_path)
    return path


def halves(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, int]]:
    predicates = quarantine_predicates(DATASET)
    with duckdb.connect() as connection:
        connection.register("batch", pa.Table.from_pylist(rows, SCHEMA))
        batch = connection.table("batch")
        reasons = [name for (name,) in batch.project(refusal_sql(predicates)).fetchall()]
        counts = {one.rule: len(batch.filter(one.sql).fetchall()) for one in predicates}
    kept = [row for row, reason in zip(rows, reasons, strict=True) if reason is None]
    refused = [row for row, reason in zip(rows, reasons, strict=True) if reason is not None]
    return kept, refused, counts


def test_what_is_split_off_no_longer_blocks(quarantining: Path, subject_of: SubjectOf) -> None:
    rows = readings(50) + HOT + STRANGE
    assert not evaluate(subject_of(rows, suite=quarantining)).passed
    kept, refused, counts = halves(rows)
    assert kept == readings(50)
    assert counts == {"device_id.known": 3, "temperature_c.plausible": 10}
    subject = subject_of(kept, suite=quarantining)
    assert evaluate(subject).passed
    judged = judge_failed(subject_of(refused, suite=quarantining), counts)
    assert {one.rule: (one.success, one.rows_bad) for one in judged} == {
        "spec.quarantined.device_id.known": (True, 3),
        "spec.quarantined.temperature_c.plausible": (True, 10),
    }
    assert 101 in judged[1].sample


@pytest.mark.parametrize("change", [-1, 1])
def test_counts_that_disagree_block(change: int, quarantining: Path, subject_of: SubjectOf) -> None:
    by_rule = {"temperature_c.plausible": len(HOT) + change}
    known, plausible = judge_failed(subject_of(HOT, suite=quarantining), by_rule)
    assert known.success
    assert (plausible.success, plausible.severity) == (False, Severity.CRITICAL)
    assert "but Great Expectations says: 7 of 7 rows fail" in plausible.observed


@pytest.mark.parametrize("leniency", [{"severity": "info"}, {"mostly": 0.5}])
def test_what_belongs_in_quarantine_blocks_if_it_was_kept(
    leniency: dict[str, Any], quarantining: Path, subject_of: SubjectOf
) -> None:
    document = json.loads(quarantining.read_text())
    (entry,) = (one for one in document["expectations"] if one["meta"]["rule"] == "temperature_c.plausible")
    if "mostly" in leniency:
        entry["kwargs"] |= leniency
    else:
        entry |= leniency
    quarantining.write_text(json.dumps(document))
    result = evaluate(subject_of([*readings(50), *HOT[:1]], suite=quarantining))
    assert [rule.rule for rule in result.blocking] == ["temperature_c.plausible"]


def test_nothing_is_split_off_unless_a_rule_says_so(quarantining: Path) -> None:
    quarantining.write_text(quarantining.read_text().replace('"quarantine"', '"report"'))
    assert quarantine_predicates(DATASET) == ()
