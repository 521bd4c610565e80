"""What analysts get out of a published table."""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from firelake.analyst.export import Export, Format
from firelake.analyst.source import Source, find_declaration
from firelake.cli import main
from firelake.errors import UsageError
from firelake.layout import Zone
from firelake.periods import Grain, PeriodRange
from firelake.tables import TableDeclaration, trusted
from pyarrow import parquet

from tests.contract.core.lake import DAY, TestLake, body_of, record


@pytest.fixture
def published(lake: TestLake) -> TestLake:
    """Return a lake with two readings of one day and one of the next."""
    tomorrow = DAY + timedelta(days=1)
    lake.put(DAY + timedelta(hours=1), body_of([record(1), record(2)]))
    lake.put(tomorrow + timedelta(hours=1), body_of([record(3, tomorrow)]))
    lake.run("2026-11-21")
    lake.run("2026-11-22")
    return lake


def days(key: str) -> PeriodRange:
    return PeriodRange.parse(key, Grain.DAY)


def test_an_export_stays_with_its_snapshot(published: TestLake, tmp_path: Path) -> None:
    source = Source.open(published.lake, trusted(published.dataset))
    assert [period.key for period in source.partitions(None)] == ["2026-11-21", "2026-11-22"]
    assert [period.key for period in source.partitions(days("2026-11-22/2026-11-23"))] == ["2026-11-22"]
    published.put(DAY + timedelta(hours=2), body_of([record(4)]))
    published.run("2026-11-21")
    manifest = Export(source, tmp_path, Format.PARQUET).run(source.partitions(None))
    assert [file.rows for file in manifest.files] == [2, 1]
    assert parquet.read_table(tmp_path / "2026-11-21.parquet")["device"].to_pylist() == [1, 2]


def test_a_table_by_date_is_read_by_day(published: TestLake) -> None:
    """As summaries are, whose partition column is a date."""
    declaration = find_declaration("summary.iot_device_health_daily")
    assert (declaration.zone, declaration.grain) == (Zone.SUMMARY, Grain.DAY)
    own = TableDeclaration(
        Zone.OPS,
        f"by_date_{published.dataset.name}",
        "Days",
        tuple(column for column in declaration.columns if column[0] == declaration.partition_column),
        declaration.partition_column,
        Grain.DAY,
    )
    table = own.ensure(published.lake)
    wanted = [DAY.date() + timedelta(days=number) for number in range(3)]
    table.append(pa.table({own.partition_column: wanted}, schema=table.schema().as_arrow()))
    source = Source.open(published.lake, own)
    read = source.rows(days("2026-11-22").first, days("2026-11-23").last)
    assert read[own.partition_column].to_pylist() == wanted[1:]


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(UsageError, match=r"no table 'nothing'; there are .*trusted\.iot_device_telemetry"):
        find_declaration("nothing")


def test_a_report_as_table_page_and_rows(
    published: TestLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = published.dataset.name
    spec = tmp_path / f"{name}.yaml"
    spec.write_text(
        f"""\
name: {name}
owner: tests
description: Readings.
raw: {{prefix: {name}/}}
columns:
  device: {{path: d, type: int, required: true}}
  value: {{path: v, type: double, unit: V}}
  taken_at: {{path: t, type: timestamp}}
event_time: taken_at
quality: {{suite: suite.json}}
"""
    )
    words = ["report", "--spec", str(spec), "--since", "2026-11-21", "--until", "2026-11-22"]
    page = tmp_path / "report.html"
    assert main([*words, "--out", str(page), "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["rows"] == 3
    assert "value [V]" in page.read_text()
    assert main([*words, "--out", str(tmp_path / "rows.parquet")]) == 0
    assert "2026-11-22" in capsys.readouterr().out
    assert parquet.read_table(tmp_path / "rows.parquet")["value"].to_pylist() == [0.5, 1.0, 1.5]
    assert main([*words, "--out", str(tmp_path / "rows.xls")]) == 2
    assert ".parquet" in capsys.readouterr().err
