"""Rows that fail a quarantining rule are split off, and both halves are held to the gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from firelake.errors import AccountingError
from firelake.quality import split
from firelake.quality.gate import evaluate
from firelake.quality.predicates import refusal_sql
from firelake.quality.split import quarantine_predicates, verify_refused
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


def test_what_is_split_off_no_longer_blocks(
    quarantining: Path, subject_of: SubjectOf, tmp_path: Path
) -> None:
    rows = readings(50) + HOT + STRANGE
    assert not evaluate(subject_of(rows, suite=quarantining)).passed
    kept, refused, counts = halves(rows)
    assert kept == readings(50)
    assert counts == {"device_id.known": 3, "temperature_c.plausible": 10}
    subject = subject_of(kept, suite=quarantining)
    assert evaluate(subject).passed
    pq.write_table(pa.Table.from_pylist(refused, SCHEMA), tmp_path / "refused.parquet")
    verify_refused(subject, (tmp_path / "refused.parquet",), counts)


@pytest.mark.parametrize("change", [-1, 1])
def test_counts_that_disagree_stop_the_run(
    change: int, quarantining: Path, subject_of: SubjectOf, tmp_path: Path
) -> None:
    pq.write_table(pa.Table.from_pylist(HOT, SCHEMA), tmp_path / "refused.parquet")
    counts = {"temperature_c.plausible": len(HOT) + change}
    with pytest.raises(AccountingError, match=r"temperature_c\.plausible, but the gate counts 7"):
        verify_refused(subject_of(readings(5), suite=quarantining), (tmp_path / "refused.parquet",), counts)


def test_nothing_is_split_off_unless_a_rule_says_so() -> None:
    assert quarantine_predicates(DATASET) == ()
