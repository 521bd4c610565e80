from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from firelake.check import check_project
from firelake.errors import SpecError
from firelake.periods import Grain, Period
from firelake.quality.result import Severity
from firelake.quality.suite import load_suite
from firelake.spec import load_datasets
from firelake.spec.load import DATASETS_DIR, PROJECT_ROOT
from firelake.summary import Summary, load_summaries, load_summary
from firelake.summary.spec import SUMMARIES_DIR
from firelake.summary.unload import unload_statement

HEALTH = SUMMARIES_DIR / "iot_device_health_daily_v1"
DAY = Period.parse("2026-11-19", Grain.DAY)


def folder(tmp_path: Path, name: str = "clicks_daily_v1", query: str = "SELECT ?", **changes: object) -> Path:
    """Write a summary's folder with some keys of its table changed."""
    table = {
        "name": "clicks_daily",
        "version": 1,
        "owner": "menu",
        "description": "Clicks of a day.",
        "grain": ["day"],
        "sources": ["clicks"],
        "partition": {"column": "day", "grain": "day"},
        "parameters": [{"name": "day_start", "bind": "partition_start"}],
        "checks": "expectations/clicks_daily.json",
        "columns": {"day": {"type": "date", "description": "The day"}},
    }
    made = tmp_path / name
    made.mkdir(parents=True)
    (made / "query.sql").write_text(query)
    (made / "table.yaml").write_text(yaml.safe_dump({**table, **changes}, sort_keys=False))
    return made


def test_every_summary_reads_declared_datasets_and_has_a_suite_path_of_its_own() -> None:
    datasets = {dataset.name for dataset in load_datasets()}
    tables = [summary.table for summary in load_summaries()]
    assert "iot_device_health_daily" in [table.name for table in tables]
    for table in tables:
        assert set(table.sources) <= datasets
        assert table.checks == Path(f"expectations/{table.name}.json")


def test_parameters_are_bound_as_literals_in_order() -> None:
    table = load_summary(HEALTH).table
    assert table.bound(DAY) == ["'2026-11-19 00:00:00'", "'2026-11-20 00:00:00'"]


def test_a_partition_may_be_made_of_its_neighbours(tmp_path: Path) -> None:
    bindings = ("reads_start", "reads_end", "partition_start")
    parameters = [{"name": bind, "bind": bind} for bind in bindings]
    partition = {"column": "day", "grain": "day", "reads": [-7, 0, 1]}
    made = folder(tmp_path, query="SELECT ?, ?, ?", parameters=parameters, partition=partition)
    table = load_summary(made).table
    assert table.bound(DAY) == ["'2026-11-12 00:00:00'", "'2026-11-21 00:00:00'", "'2026-11-19 00:00:00'"]
    assert [each.key for each in table.partition.affected(DAY)] == ["2026-11-18", "2026-11-19", "2026-11-26"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("SELECT ?, ?", 2),
        ("SELECT '?', \"a?\", 'it''s ?', ? -- why?\n", 1),
        ("SELECT /* ?\n? */ 1", 0),
    ],
)
def test_parameters_are_counted_outside_of_texts_and_comments(tmp_path: Path, query: str, count: int) -> None:
    parameters = [{"name": f"p{number}", "bind": "partition_end"} for number in range(count + 1)]
    made = folder(tmp_path, query=query, parameters=parameters[:count])
    assert load_summary(made).query == query
    other = folder(tmp_path / "other", query=query, parameters=parameters)
    with pytest.raises(SpecError, match=rf"query.sql:1: {count} parameters .* declares {count + 1}"):
        load_summary(other)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"owner": ""}, r"table.yaml:3: owner: "),
        ({"surprise": 1}, r"table.yaml:\d+: surprise: unknown key"),
        ({"version": 0}, r"table.yaml:2: version: "),
        ({"version": 2}, r"the folder must be 'clicks_daily_v2'"),
        ({"grain": ["hour"]}, r"grain: there is no column 'hour'"),
        ({"partition": {"column": "day", "grain": "hour"}}, r"column 'day' must be of type timestamp"),
        ({"partition": {"column": "day", "grain": "day", "reads": [-1]}}, r"reads: \[-1\]: .* 0 among them"),
        ({"partition": {"column": "day", "grain": "day", "reads": [0, -1]}}, r"different numbers in order"),
        ({"parameters": [{"name": "p", "bind": "today"}]}, r"table.yaml:\d+: parameters.0.bind: "),
        ({"columns": {"day": {"type": "day", "description": "The day"}}}, r"unknown type 'day'"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(SpecError, match=says):
        load_summary(folder(tmp_path, **changes))  # type: ignore[arg-type]


def test_a_missing_query_is_named(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "query.sql").unlink()
    with pytest.raises(SpecError, match=r"query.sql:1: cannot be read"):
        load_summary(made)


def test_unload_quotes_the_location() -> None:
    statement = unload_statement("SELECT 1\n", "s3://lake/it's/")
    assert statement == (
        "UNLOAD (\nSELECT 1\n)\nTO 's3://lake/it''s/'\nWITH (format = 'PARQUET', compression = 'ZSTD')"
    )


@pytest.mark.parametrize("summary", load_summaries(), ids=lambda summary: summary.table.name)
def test_the_suite_of_every_summary_fits_its_columns(summary: Summary) -> None:
    columns = {column.name: column.type for column in summary.table.columns}
    suite = load_suite(PROJECT_ROOT / summary.table.checks, columns)
    assert suite.name == summary.table.name
    assert {rule.severity for rule in suite.rules} == set(Severity)


@pytest.mark.parametrize(
    ("equality", "says"),
    [
        ({"summary": "sum(gone)"}, r"reconcile\.clicks\.summary: there is no column 'gone'"),
        ({"summary": "max(day)"}, r"column 'day' is date; max takes a number"),
        ({"source": "other"}, r"reconcile\.clicks\.source: 'other' is none of the sources"),
        ({"summary": "avg(day)"}, r"write count\(\*\)"),
        ({"tolerance": 1}, "less than 1"),
    ],
)
def test_a_reconciliation_that_cannot_be_made_is_refused(
    tmp_path: Path, equality: dict[str, object], says: str
) -> None:
    sound = {
        "description": "All clicks.",
        "source": "clicks",
        "summary": "count(*)",
        "trusted": "count(*)",
    }
    with pytest.raises(SpecError, match=says):
        load_summary(folder(tmp_path, reconcile={"clicks": {**sound, **equality}}))


def test_a_figure_that_the_source_does_not_have_is_named_with_its_line(tmp_path: Path) -> None:
    sound = {"description": "All.", "source": "iot_device_telemetry", "summary": "count(*)"}
    made = folder(
        tmp_path,
        sources=["iot_device_telemetry"],
        checks=str(tmp_path / "suite.json"),
        reconcile={"clicks": {**sound, "trusted": "max(temperature_f)"}},
    )
    (tmp_path / "suite.json").write_text(
        '{"name": "a", "expectations": [{"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}, '
        '"severity": "info", "description": "One.", "meta": {"rule": "one"}}]}'
    )
    (problem,) = check_project(DATASETS_DIR, tmp_path).problems
    line = (made / "table.yaml").read_text().splitlines().index("    trusted: max(temperature_f)") + 1
    assert problem == (
        f"{made / 'table.yaml'}:{line}: reconcile.clicks.trusted: iot_device_telemetry: "
        "there is no column 'temperature_f'"
    )
