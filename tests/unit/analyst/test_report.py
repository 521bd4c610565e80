"""What a report of some days says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from firelake.analyst.report import Report
from firelake.periods import Grain, Period, PeriodRange
from firelake.spec import Dataset, find_dataset

DAYS = PeriodRange.parse("2026-11-20/2026-11-21", Grain.DAY)
IOT = find_dataset("iot_device_telemetry")


class Rows:
    """Stands for a table that holds these rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def rows(self, since: Period, until: Period) -> pa.Table:
        types = {"measured_at": pa.timestamp("us"), "device_id": pa.int32(), "temperature_c": pa.int32()}
        columns = [column.name for column in IOT.columns]
        schema = pa.schema([(name, types.get(name, pa.float64())) for name in columns])
        return pa.Table.from_pylist(self._rows, schema=schema).append_column(
            "_raw_object", pa.array(["key"] * len(self._rows), pa.string())
        )


def report(*rows: dict[str, Any], dataset: Dataset = IOT) -> Report:
    return Report.of(dataset, Rows(list(rows)), DAYS)  # type: ignore[arg-type] # stands for a table


def reading(hour: int, temperature_c: int | None) -> dict[str, Any]:
    measured_at = datetime(2026, 11, 20) + timedelta(hours=hour)
    return {"device_id": 1, "measured_at": measured_at, "temperature_c": temperature_c}


@pytest.fixture
def two_days() -> Report:
    """Return a report of three readings of two days, out of order."""
    return report(reading(30, 20), reading(1, 10), reading(2, None))


def test_rows_come_by_time_and_without_lineage(two_days: Report) -> None:
    assert list(two_days.frame["measured_at"].dt.hour) == [1, 2, 6]
    assert list(two_days.frame.columns) == [column.name for column in IOT.columns]


def test_columns_are_summed_up(two_days: Report) -> None:
    temperature = next(column for column in two_days.columns if column.name == "temperature_c")
    assert (temperature.present, temperature.nulls, temperature.distinct) == (2, 1, 2)
    assert (temperature.lowest, temperature.mean, temperature.highest) == (10, 15, 20)


def test_days_are_summed_up(two_days: Report) -> None:
    assert two_days.by_day["rows"].to_dict() == {"2026-11-20": 2, "2026-11-21": 1}
    assert two_days.by_day["temperature_c"].to_dict() == {"2026-11-20": 10, "2026-11-21": 20}


def test_a_chart_for_the_volume_and_each_measure_with_values(two_days: Report) -> None:
    page = two_days.html()
    assert page.count("<svg") == 2
    assert "temperature_c [°C]" in page
    assert "device_id [" not in page
    assert page == two_days.html()


def test_no_rows_make_a_page_too() -> None:
    page = report().html()
    assert "No rows." in page
    assert "<svg" not in page


def test_personal_data_and_markup_do_not_reach_the_page() -> None:
    columns = tuple(
        column.model_copy(update={"pii": True, "description": "SECRET"})
        if column.name == "temperature_c"
        else column
        for column in IOT.columns
    )
    hostile = IOT.model_copy(update={"description": "<script>alert(1)</script>", "columns": columns})
    page = report(reading(1, 77), dataset=hostile).html()
    assert "<script>" not in page
    assert "SECRET" not in page
    assert "temperature_c" not in page
