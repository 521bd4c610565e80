"""Every summary's query by hand-computed cases: ``<table>_v<version>/<case>/{input,expect}.yaml``.

``input.yaml`` names the partition, and the rows of each trusted table that the query reads. ``expect.yaml``
lists the rows that it must give, by the columns that the case is about.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from firelake.layout import Lake
from firelake.summary import Summary, load_summaries, load_summary
from firelake.summary.spec import SUMMARIES_DIR

from tests.sql.tables import Row, compute, hold, milliseconds

FOLDER = Path(__file__).parent
CASES = sorted(path.parent.relative_to(FOLDER) for path in FOLDER.glob("*/*/input.yaml"))
TESTED_ELSEWHERE = {"iot_device_anomalies_v1", "iot_device_health_daily_v1"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_gives_what_was_worked_out_by_hand(lake: Lake, case: Path) -> None:
    summary = load_summary(SUMMARIES_DIR / case.parts[0])
    given, expected = _read(case / "input.yaml"), _read(case / "expect.yaml")
    for source in summary.table.sources:
        hold(lake, source, given[source])
    rows = compute(lake, summary, str(given["partition"]))
    wanted = [_row(row) for row in expected]
    shown = [{name: row[name] for name in wanted[0]} for row in rows] if wanted else rows
    assert len(rows) == len(wanted), shown
    for row, want in zip(rows, wanted, strict=True):
        assert {name: _plain(row[name]) for name in want} == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("summary", load_summaries(), ids=lambda summary: summary.table.name)
def test_a_day_without_records_has_no_rows(lake: Lake, summary: Summary) -> None:
    for source in summary.table.sources:
        hold(lake, source, [])
    assert compute(lake, summary, "2026-11-19") == []


def test_every_summary_has_cases() -> None:
    tested = {case.parts[0] for case in CASES} | TESTED_ELSEWHERE
    assert tested == {path.parent.name for path in SUMMARIES_DIR.glob("*/table.yaml")}


def _read(path: Path) -> Any:
    return yaml.safe_load((FOLDER / path).read_text(encoding="utf-8"))


def _row(row: Row) -> Row:
    """Return an expected row with its instants, written as times, as the milliseconds of the table."""
    return {
        name: milliseconds(value) if name.endswith("_ms") else _plain(value) for name, value in row.items()
    }


def _plain(value: object) -> object:
    """Return a day as text, as it is written in YAML; other values as they are."""
    return value if isinstance(value, int | float | str | None) else str(value)
