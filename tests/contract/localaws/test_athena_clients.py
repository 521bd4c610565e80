"""The clients that people use: awswrangler, PyAthena, SQLAlchemy, Airflow."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import awswrangler as wr
import pandas as pd  # type: ignore[import-untyped]
import pytest
from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from pyathena import connect
from pyathena.error import OperationalError
from pyathena.pandas.cursor import PandasCursor
from sqlalchemy import create_engine, inspect, text

from tests.fixtures.athena import AthenaLake

TYPED = (
    "SELECT 1 AS i, BIGINT '2' AS b, 1.5e0 AS d, CAST(1.25 AS decimal(5,2)) AS m, 'text' AS s, true AS t, "
    "DATE '2026-11-21' AS day, TIMESTAMP '2026-11-21 10:00:00.123' AS at, CAST(NULL AS varchar) AS nothing"
)


@pytest.mark.parametrize(
    "mode",
    [{"ctas_approach": True}, {"ctas_approach": False, "unload_approach": True}, {"ctas_approach": False}],
)
def test_awswrangler_reads_in_three_modes(athena_lake: AthenaLake, mode: dict[str, Any]) -> None:
    output = f"s3://{athena_lake.bucket}/wr-{len(str(mode))}/"
    frame = wr.athena.read_sql_query(TYPED, database=athena_lake.database, s3_output=output, **mode)
    row = frame.iloc[0]
    assert (row.i, row.b, row.d, row.m, row.s, row.t) == (1, 2, 1.5, Decimal("1.25"), "text", True)
    assert pd.Timestamp(row["at"]) == pd.Timestamp("2026-11-21 10:00:00.123")
    assert (row.day, pd.isna(row.nothing)) == (date(2026, 11, 21), True)
    left = wr.catalog.get_tables(database=athena_lake.database, name_prefix="temp_table_")
    assert list(left) == []


@pytest.mark.parametrize("ctas", [True, False])
def test_awswrangler_reads_in_chunks(athena_lake: AthenaLake, ctas: bool) -> None:
    chunks = wr.athena.read_sql_query(
        "SELECT x FROM UNNEST(SEQUENCE(1, 2500)) t(x)",
        database=athena_lake.database,
        s3_output=athena_lake.output,
        ctas_approach=ctas,
        chunksize=1000,
    )
    sizes = [len(chunk) for chunk in chunks]
    assert sum(sizes) == 2500
    assert len(sizes) > 1


def test_awswrangler_writes_a_dataset_and_repairs_it(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    frame = pd.DataFrame({"a": [1, 2, 3], "s": ["x", None, "z"], "dt": ["1", "1", "2"]})
    path = f"s3://{lake.bucket}/frames/"
    options: dict[str, Any] = {
        "dataset": True,
        "database": lake.database,
        "table": "frames",
        "partition_cols": ["dt"],
    }
    wr.s3.to_parquet(frame, path, **options)
    assert lake.rows("SELECT dt, count(*), count(s) FROM frames GROUP BY dt ORDER BY dt") == [
        ["1", "2", "1"],
        ["2", "1", "1"],
    ]
    wr.s3.to_parquet(frame.head(1), path, mode="overwrite_partitions", **options)
    assert lake.rows("SELECT count(*) FROM frames") == [["2"]]
    lake.glue.delete_partition(DatabaseName=lake.database, TableName="frames", PartitionValues=["2"])
    wr.athena.repair_table("frames", database=lake.database, s3_output=lake.output)
    assert lake.rows("SELECT count(*) FROM frames") == [["2"]]
    assert wr.catalog.get_table_types(lake.database, "frames") == {
        "a": "bigint",
        "s": "string",
        "dt": "string",
    }


def test_awswrangler_writes_iceberg(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    frame = pd.DataFrame({"id": [1, 2], "at": [datetime(2026, 11, 21, 10), datetime(2026, 11, 22, 10)]})
    options: dict[str, Any] = {
        "database": lake.database,
        "table": "frozen",
        "table_location": f"s3://{lake.bucket}/frozen/",
        "temp_path": f"s3://{lake.bucket}/temporary/",
        "s3_output": lake.output,
    }
    wr.athena.to_iceberg(frame, keep_files=False, **options)
    wr.athena.to_iceberg(frame.assign(id=[3, 4]), **options)
    assert lake.rows("SELECT count(*), sum(id) FROM frozen") == [["4", "10"]]


def test_awswrangler_parameters(athena_lake: AthenaLake) -> None:
    frame = wr.athena.read_sql_query(
        "SELECT ? AS a, ? AS b",
        database=athena_lake.database,
        s3_output=athena_lake.output,
        ctas_approach=False,
        params=["1", "'two'"],
        paramstyle="qmark",
    )
    assert frame.to_dict("records") == [{"a": 1, "b": "two"}]


def test_pyathena(athena_lake: AthenaLake) -> None:
    connection = connect(
        s3_staging_dir=athena_lake.output,
        region_name="us-east-1",
        schema_name=athena_lake.database,
        poll_interval=0.05,
    )
    with connection.cursor() as cursor:
        cursor.execute(TYPED)
        assert cursor.fetchone() == (
            1, 2, 1.5, Decimal("1.25"), "text", True, date(2026, 11, 21),
            datetime(2026, 11, 21, 10, 0, 0, 123000), None,
        )  # fmt: skip
        cursor.execute("SELECT %(n)d + 1", {"n": 41})
        assert cursor.fetchall() == [(42,)]
        with pytest.raises(OperationalError, match="COLUMN_NOT_FOUND"):
            cursor.execute("SELECT nothing")


def test_pyathena_to_pandas(athena_lake: AthenaLake) -> None:
    connection = connect(s3_staging_dir=athena_lake.output, region_name="us-east-1", poll_interval=0.05)
    cursor = connection.cursor(PandasCursor).execute("SELECT x, 'a' s FROM UNNEST(SEQUENCE(1, 3)) t(x)")
    frame = cursor.as_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["x"].tolist() == [1, 2, 3]


def test_sqlalchemy(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    lake.create_json_table("reflected", {"a": "int", "b": "string"}, {"dt": "string"})
    host = "athena.us-east-1.amazonaws.com:443"
    engine = create_engine(
        f"awsathena+rest://:@{host}/{lake.database}?s3_staging_dir={lake.output}&poll_interval=0.05"
    )
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM reflected")).scalar() == 0
        assert "reflected" in inspect(connection).get_table_names()
        assert [c["name"] for c in inspect(connection).get_columns("reflected")] == ["a", "b", "dt"]


def first_event(trigger: Any) -> Any:
    """Return what a deferred task is told first."""

    async def payload() -> Any:
        return (await anext(trigger.run())).payload

    return asyncio.run(payload())


def test_airflows_operator(athena_lake: AthenaLake) -> None:
    operator = AthenaOperator(
        task_id="query",
        query="SELECT 1 AS a",
        database=athena_lake.database,
        output_location=athena_lake.output,
        aws_conn_id=None,
        region_name="us-east-1",
        sleep_time=1,
    )
    execution_id = operator.execute({})
    assert execution_id is not None
    results = AthenaHook(aws_conn_id=None, region_name="us-east-1").get_query_results(execution_id)
    assert results is not None
    assert results["ResultSet"]["Rows"][1]["Data"] == [{"VarCharValue": "1"}]


def test_airflows_operator_defers_until_the_query_ends(athena_lake: AthenaLake) -> None:
    operator = AthenaOperator(
        task_id="query",
        query="SELECT 1 AS a",
        database=athena_lake.database,
        output_location=athena_lake.output,
        aws_conn_id=None,
        region_name="us-east-1",
        sleep_time=1,
        deferrable=True,
    )
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({})
    event = first_event(deferred.value.trigger)
    assert event["status"] == "success"
    execution_id = operator.execute_complete({}, event)
    assert athena_lake.result(execution_id) == [["a"], ["1"]]


def test_airflows_operator_fails_with_athenas_reason(athena_lake: AthenaLake) -> None:
    operator = AthenaOperator(
        task_id="query",
        query="SELECT nothing",
        database=athena_lake.database,
        output_location=athena_lake.output,
        aws_conn_id=None,
        region_name="us-east-1",
        sleep_time=1,
    )
    with pytest.raises(AirflowException, match="COLUMN_NOT_FOUND"):
        operator.execute({})
