"""Athena's operations: executions, results, workgroups, saved queries, catalogs."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fixtures.athena import AthenaLake
from tests.fixtures.local_aws import LocalAws

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_s3 import S3Client

SLOW = (
    "SELECT count(*) FROM UNNEST(SEQUENCE(1, 30000)) a(x) CROSS JOIN UNNEST(SEQUENCE(1, 30000)) b(y) "
    "WHERE x * y % 7 = 3"
)


def body_of(lake: AthenaLake, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return lake.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_result_is_written_as_athena_writes_it(athena_lake: AthenaLake) -> None:
    execution = athena_lake.run(
        "SELECT 'a \"quoted\", text' AS s, '' AS empty, CAST(NULL AS varchar) AS missing, 1.5e0 AS d, "
        "TIMESTAMP '2026-11-21 14:00:00' AS t, 'two' || chr(10) || 'lines' AS n, ARRAY['x', NULL] AS xs"
    )
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"{athena_lake.output}{execution['QueryExecutionId']}.csv"
    assert body_of(athena_lake, location).decode() == (
        '"s","empty","missing","d","t","n","xs"\n'
        '"a ""quoted"", text","",,"1.5","2026-11-21 14:00:00.000","two\nlines","[x, null]"\n'
    )
    assert b"varchar" in body_of(athena_lake, f"{location}.metadata")
    assert athena_lake.result(execution["QueryExecutionId"])[1] == [
        'a "quoted", text', "", None, "1.5", "2026-11-21 14:00:00.000", "two\nlines", "[x, null]",
    ]  # fmt: skip


def test_results_come_in_pages_and_the_header_once(athena_lake: AthenaLake) -> None:
    execution_id = athena_lake.run("SELECT x FROM UNNEST(SEQUENCE(1, 2500)) t(x) ORDER BY x")[
        "QueryExecutionId"
    ]
    first = athena_lake.athena.get_query_results(QueryExecutionId=execution_id, MaxResults=1000)
    assert len(first["ResultSet"]["Rows"]) == 1000
    assert first["ResultSet"]["Rows"][0]["Data"] == [{"VarCharValue": "x"}]
    rows = athena_lake.result(execution_id)
    assert [row[0] for row in rows] == ["x", *map(str, range(1, 2501))]
    column = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"][0]
    assert (column["Name"], column["Type"], column["Precision"]) == ("x", "bigint", 19)


def test_types_of_columns(athena_lake: AthenaLake) -> None:
    execution_id = athena_lake.run(
        "SELECT 1 a, BIGINT '1' b, 1e0 c, REAL '1' d, 1.25 e, true f, DATE '2026-01-01' g, now() h, X'00' i, "
        "ARRAY[1] j, MAP(ARRAY[1], ARRAY[1]) k, ROW(1) l, JSON_PARSE('1') m, CAST('a' AS varchar(7)) n"
    )["QueryExecutionId"]
    answer = athena_lake.athena.get_query_results(QueryExecutionId=execution_id)
    infos = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [info["Type"] for info in infos] == [
        "integer", "bigint", "double", "float", "decimal", "boolean", "date", "timestamp with time zone",
        "varbinary", "array", "map", "row", "json", "varchar",
    ]  # fmt: skip
    assert (infos[4]["Precision"], infos[4]["Scale"], infos[13]["Precision"]) == (3, 2, 7)


def test_a_token_starts_a_query_once(athena_lake: AthenaLake) -> None:
    token = uuid.uuid4().hex
    assert athena_lake.start("SELECT 1", ClientRequestToken=token) == athena_lake.start(
        "SELECT 1", ClientRequestToken=token
    )


def wait_for_states(lake: AthenaLake, ids: list[str], wanted: dict[str, int]) -> None:
    """Wait until so many of the queries are in each state."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        executions = lake.athena.batch_get_query_execution(QueryExecutionIds=ids)["QueryExecutions"]
        states = Counter(execution["Status"]["State"] for execution in executions)
        if states == wanted:
            return
        time.sleep(0.05)
    raise TimeoutError(f"{dict(states)} instead of {wanted}")


def test_a_running_query_is_stopped(athena_lake: AthenaLake) -> None:
    execution_id = athena_lake.start(SLOW)
    wait_for_states(athena_lake, [execution_id], {"RUNNING": 1})
    athena_lake.athena.stop_query_execution(QueryExecutionId=execution_id)
    execution = athena_lake.wait(execution_id)
    assert execution["Status"]["State"] == "CANCELLED"
    with pytest.raises(ClientError, match="did not finish successfully"):
        athena_lake.athena.get_query_results(QueryExecutionId=execution_id)


def test_queries_beyond_the_bound_wait_their_turn(athena_lake: AthenaLake) -> None:
    ids = [athena_lake.start(SLOW) for _ in range(6)]
    wait_for_states(athena_lake, ids, {"RUNNING": 4, "QUEUED": 2})
    for execution_id in ids:
        athena_lake.athena.stop_query_execution(QueryExecutionId=execution_id)
    ended = [athena_lake.wait(execution_id)["Status"]["State"] for execution_id in ids]
    assert ended == ["CANCELLED"] * 6


def test_executions_are_listed_newest_first(athena_lake: AthenaLake) -> None:
    group = f"g{uuid.uuid4().hex[:6]}"
    athena_lake.athena.create_work_group(Name=group)
    ids = [athena_lake.run(f"SELECT {i}", WorkGroup=group)["QueryExecutionId"] for i in range(3)]
    pages = athena_lake.athena.get_paginator("list_query_executions").paginate(
        WorkGroup=group, PaginationConfig={"PageSize": 2}
    )
    assert [i for page in pages for i in page["QueryExecutionIds"]] == ids[::-1]


def test_bytes_scanned_are_those_of_the_columns_and_partitions_read(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    sizes = {
        day: lake.put_json(f"sized/dt={day}/o", [{"a": i, "b": "x" * 50} for i in range(100)], compress=True)
        for day in ("1", "2")
    }
    lake.create_json_table("sized", {"a": "int", "b": "string"}, {"dt": "string"})
    lake.run("MSCK REPAIR TABLE sized")
    one = lake.run("SELECT sum(a) FROM sized WHERE dt = '1'")["Statistics"]["DataScannedInBytes"]
    both = lake.run("SELECT sum(a) FROM sized")["Statistics"]["DataScannedInBytes"]
    assert (one, both) == (sizes["1"], sum(sizes.values()))
    lake.run("CREATE TABLE columnar AS SELECT * FROM sized")
    narrow = lake.run("SELECT sum(a) FROM columnar")["Statistics"]["DataScannedInBytes"]
    wide = lake.run("SELECT sum(a), max(b) FROM columnar")["Statistics"]["DataScannedInBytes"]
    assert 0 < narrow < wide
    assert lake.run("SELECT count(*) FROM columnar")["Statistics"]["DataScannedInBytes"] == 0


def test_a_workgroup_enforces_its_settings(athena_lake: AthenaLake) -> None:
    lake, group = athena_lake, f"g{uuid.uuid4().hex[:6]}"
    theirs = f"s3://{lake.bucket}/of-the-group/"
    lake.athena.create_work_group(
        Name=group,
        Configuration={
            "ResultConfiguration": {"OutputLocation": theirs},
            "EnforceWorkGroupConfiguration": True,
        },
    )
    execution = lake.run("SELECT 1", WorkGroup=group)
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(theirs)
    lake.athena.update_work_group(WorkGroup=group, State="DISABLED")
    with pytest.raises(ClientError, match="is disabled"):
        lake.start("SELECT 1", WorkGroup=group)
    with pytest.raises(ClientError, match="is not empty"):
        lake.athena.delete_work_group(WorkGroup=group)
    lake.athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
    with pytest.raises(ClientError, match="is not found"):
        lake.athena.get_work_group(WorkGroup=group)


def test_the_cutoff_of_a_workgroup_cancels(athena_lake: AthenaLake) -> None:
    lake, group = athena_lake, f"g{uuid.uuid4().hex[:6]}"
    lake.athena.create_work_group(Name=group, Configuration={"BytesScannedCutoffPerQuery": 10_000_000})
    lake.run(
        "CREATE TABLE heavy WITH (write_compression = 'NONE') AS "
        "SELECT to_hex(md5(to_utf8(cast(x AS varchar)))) AS h FROM UNNEST(SEQUENCE(1, 400000)) t(x)"
    )
    execution = lake.wait(lake.start("SELECT max(h) FROM heavy", WorkGroup=group))
    assert execution["Status"]["State"] == "CANCELLED"
    assert "Bytes scanned limit was exceeded" in execution["Status"]["StateChangeReason"]


def test_no_output_location_is_refused(athena_lake: AthenaLake) -> None:
    with pytest.raises(ClientError, match="No output location provided"):
        athena_lake.athena.start_query_execution(QueryString="SELECT 1")


def test_named_queries(athena_lake: AthenaLake) -> None:
    client = athena_lake.athena
    query_id = client.create_named_query(Name="n", Database="d", QueryString="SELECT 1")["NamedQueryId"]
    assert client.get_named_query(NamedQueryId=query_id)["NamedQuery"]["QueryString"] == "SELECT 1"
    assert query_id in client.list_named_queries()["NamedQueryIds"]
    client.delete_named_query(NamedQueryId=query_id)
    assert (
        client.batch_get_named_query(NamedQueryIds=[query_id])["UnprocessedNamedQueryIds"][0]["NamedQueryId"]
        == query_id
    )


def test_prepared_statements_by_api(athena_lake: AthenaLake) -> None:
    client = athena_lake.athena
    client.create_prepared_statement(StatementName="s1", WorkGroup="primary", QueryStatement="SELECT ? * 2")
    assert athena_lake.rows("EXECUTE s1 USING 21") == [["42"]]
    client.update_prepared_statement(StatementName="s1", WorkGroup="primary", QueryStatement="SELECT ? * 3")
    assert athena_lake.rows("EXECUTE s1 USING 2") == [["6"]]
    client.delete_prepared_statement(StatementName="s1", WorkGroup="primary")
    with pytest.raises(ClientError, match="was not found"):
        client.get_prepared_statement(StatementName="s1", WorkGroup="primary")


def test_the_catalog_and_its_tables(athena_lake: AthenaLake) -> None:
    client, lake = athena_lake.athena, athena_lake
    lake.create_json_table("described", {"a": "int"}, {"dt": "string"})
    assert client.list_data_catalogs()["DataCatalogsSummary"][0]["CatalogName"] == "AwsDataCatalog"
    names = [d["Name"] for d in client.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]
    assert lake.database in names
    found = client.get_table_metadata(
        CatalogName="AwsDataCatalog", DatabaseName=lake.database, TableName="described"
    )
    assert found["TableMetadata"]["Columns"][0] == {"Name": "a", "Type": "int"}
    listed = client.list_table_metadata(
        CatalogName="AwsDataCatalog", DatabaseName=lake.database, Expression="desc.*"
    )
    assert [table["Name"] for table in listed["TableMetadataList"]] == ["described"]
    with pytest.raises(ClientError, match="MetadataException"):
        client.get_table_metadata(
            CatalogName="AwsDataCatalog", DatabaseName=lake.database, TableName="missing"
        )


def test_runtime_statistics(athena_lake: AthenaLake) -> None:
    execution_id = athena_lake.run("SELECT x FROM UNNEST(SEQUENCE(1, 7)) t(x)")["QueryExecutionId"]
    statistics = athena_lake.athena.get_query_runtime_statistics(QueryExecutionId=execution_id)
    assert statistics["QueryRuntimeStatistics"]["Rows"]["OutputRows"] == 7


def test_a_wrong_number_of_parameters(athena_lake: AthenaLake) -> None:
    assert "expected 2 but found 1" in athena_lake.failure("SELECT ?, ?", ExecutionParameters=["1"])
    assert "not a literal" in athena_lake.failure("SELECT ?", ExecutionParameters=["(SELECT 1)"])


@pytest.fixture
def own_local_aws(tmp_path: Path) -> Iterator[LocalAws]:
    local_aws = LocalAws.start(tmp_path / "state")
    yield local_aws
    if local_aws.process.poll() is None:
        local_aws.stop()


def clients_of(local_aws: LocalAws) -> tuple[S3Client, AthenaClient]:
    session = boto3.Session(region_name="us-east-1")
    url = local_aws.endpoint_url
    return session.client("s3", endpoint_url=url), session.client("athena", endpoint_url=url)


def test_history_survives_a_kill(local_aws_environment: None, own_local_aws: LocalAws) -> None:
    s3, athena = clients_of(own_local_aws)
    s3.create_bucket(Bucket="kept")
    athena.create_work_group(Name="kept")
    started = athena.start_query_execution(
        QueryString=SLOW, ResultConfiguration={"OutputLocation": "s3://kept/"}
    )
    time.sleep(0.5)
    own_local_aws.kill()
    again = LocalAws.start(own_local_aws.data_dir)
    try:
        _, athena = clients_of(again)
        names = [group["Name"] for group in athena.list_work_groups()["WorkGroups"]]
        found = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
    finally:
        again.stop()
    assert names == ["kept", "primary"]
    assert found["Status"]["State"] == "FAILED"
    assert "run it again" in found["Status"]["StateChangeReason"]
