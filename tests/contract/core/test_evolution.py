"""A spec that changes: old files, new files and readers agree, and nothing is lost."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from firelake.catalog import prepare_lake
from firelake.errors import FirelakeError
from firelake.spec import Dataset

from tests.contract.core.lake import DAY, TestLake, body_of, record
from tests.unit.compact.lake import dataset

COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "device": {"path": "d", "type": "int", "required": True},
    "value": {"path": "v", "type": "float"},
    "taken_at": {"path": "t", "type": "timestamp"},
    "label": {"path": "l", "type": "string"},
    "price": {"path": "p", "type": "decimal(4,2)"},
}


def spec(lake: TestLake, columns: Mapping[str, Mapping[str, Any]]) -> Dataset:
    return dataset(name=f"{lake.dataset.name}_e", raw={"prefix": f"{lake.dataset.name}_e/"}, columns=columns)


@pytest.fixture
def before(lake: TestLake) -> TestLake:
    """A table with a row, whose partition also takes rows of the day after."""
    made = TestLake(lake.lake, spec(lake, COLUMNS))
    prepare_lake(made.lake, [made.dataset])
    made.put(DAY + timedelta(hours=1), body_of([{**record(1), "p": "1.25"}]))
    made.run("2026-11-21")
    return made


def test_columns_are_added_widened_and_renamed_under_rows_that_are_there(
    lake: TestLake, before: TestLake
) -> None:
    columns = {
        "device": {**COLUMNS["device"], "type": "bigint"},
        "reading": {**COLUMNS["value"], "type": "double", "renamed_from": "value"},
        "taken_at": COLUMNS["taken_at"],
        "label": COLUMNS["label"],
        "price": {**COLUMNS["price"], "type": "decimal(10,2)"},
        "site": {"path": "s", "type": "struct<name:string,floors:list<int>>", "description": "Where"},
    }
    after = TestLake(lake.lake, spec(lake, columns))
    late = {**record(2), "d": 2**40, "p": "12345.50", "s": {"name": "n", "floors": [1, 2]}}
    after.put(DAY + timedelta(days=1, hours=1), body_of([late]))
    with pytest.raises(FirelakeError, match="run `firelake prepare`"):
        after.stage("2026-11-22")
    prepare_lake(after.lake, [after.dataset])
    after.run("2026-11-22")
    rows = [(r["device"], r["reading"], str(r["price"]), r["site"]) for r in after.trusted()]
    assert rows == [(1, 0.5, "1.25", None), (2**40, 1.0, "12345.50", {"name": "n", "floors": [1, 2]})]
    prepare_lake(after.lake, [after.dataset])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"device": {"path": "d", "type": "string"}},
            "'device' is int and cannot become string",
        ),
        ({"price": {"path": "p", "type": "decimal(10,3)"}}, "'price' is decimal"),
        ({"label": None}, "'label' is in the table but not declared"),
    ],
)
def test_what_would_lose_values_is_refused(
    lake: TestLake, before: TestLake, change: dict[str, Any], problem: str
) -> None:
    columns = {name: column for name, column in {**COLUMNS, **change}.items() if column is not None}
    with pytest.raises(FirelakeError, match=problem):
        prepare_lake(lake.lake, [spec(lake, columns)])
    assert [row["device"] for row in before.trusted()] == [1]
