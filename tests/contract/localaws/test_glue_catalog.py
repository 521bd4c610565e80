"""The Glue catalog: the same tests on Local AWS and on moto, and what only Local AWS must hold."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import boto3
import pyarrow as pa
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException, TableAlreadyExistsError

from tests.fixtures.local_aws import LocalAws

SETTINGS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}


def local_client(local_aws: LocalAws):
    return boto3.client("glue", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def glue(local_aws: LocalAws):
    return local_client(local_aws)


@pytest.fixture(params=["localaws", "moto"])
def either(request: pytest.FixtureRequest, local_aws: LocalAws) -> Iterator[object]:
    if request.param == "localaws":
        yield local_client(local_aws)
        return
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.delenv("AWS_ENDPOINT_URL")
        yield boto3.client("glue", **SETTINGS)


@pytest.fixture
def database(glue) -> str:
    return make_database(glue)


def make_database(glue) -> str:
    name = f"db_{uuid.uuid4().hex[:10]}"
    glue.create_database(DatabaseInput={"Name": name, "Description": "of a test"})
    return name


def table_input(name: str, **more) -> dict:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "json"},
        "PartitionKeys": [{"Name": "year", "Type": "int"}, {"Name": "region", "Type": "string"}],
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint"}],
            "Location": f"s3://lake/{name}/",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
        },
        **more,
    }


def partition_input(*values: str) -> dict:
    return {"Values": list(values), "StorageDescriptor": {"Location": f"s3://lake/{'/'.join(values)}/"}}


def code_of(call, **arguments) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def values_of(answer: dict) -> list[list[str]]:
    return sorted(each["Values"] for each in answer["Partitions"])


# What moto does well, Local AWS does the same.


def test_databases_come_and_go(either) -> None:
    name = make_database(either)
    assert either.get_database(Name=name)["Database"]["Description"] == "of a test"
    either.update_database(Name=name, DatabaseInput={"Name": name, "Description": "changed"})
    assert either.get_database(Name=name)["Database"]["Description"] == "changed"
    assert name in [each["Name"] for each in either.get_databases()["DatabaseList"]]
    assert code_of(either.create_database, DatabaseInput={"Name": name}) == "AlreadyExistsException"
    either.delete_database(Name=name)
    assert code_of(either.get_database, Name=name) == "EntityNotFoundException"


def test_table_comes_back_as_it_was_given(either) -> None:
    database = make_database(either)
    given = table_input("t", Description="clicks", Owner="menu")
    either.create_table(DatabaseName=database, TableInput=given)
    found = either.get_table(DatabaseName=database, Name="t")["Table"]
    for key in ("Name", "TableType", "Parameters", "PartitionKeys", "Description", "Owner"):
        assert found[key] == given[key]
    assert found["StorageDescriptor"].items() >= given["StorageDescriptor"].items()
    assert code_of(either.create_table, DatabaseName=database, TableInput=given) == "AlreadyExistsException"
    assert code_of(either.get_table, DatabaseName=database, Name="u") == "EntityNotFoundException"
    either.delete_table(DatabaseName=database, Name="t")
    assert code_of(either.get_table, DatabaseName=database, Name="t") == "EntityNotFoundException"


def test_tables_are_found_by_expression_and_deleted_in_batch(either) -> None:
    database = make_database(either)
    for name in ("clicks", "clicks_daily", "views"):
        either.create_table(DatabaseName=database, TableInput=table_input(name))
    found = either.get_tables(DatabaseName=database, Expression="clicks.*")["TableList"]
    assert sorted(each["Name"] for each in found) == ["clicks", "clicks_daily"]
    answer = either.batch_delete_table(DatabaseName=database, TablesToDelete=["clicks", "nothing"])
    assert [each["ErrorDetail"]["ErrorCode"] for each in answer["Errors"]] == ["EntityNotFoundException"]
    left = either.get_tables(DatabaseName=database)["TableList"]
    assert sorted(each["Name"] for each in left) == ["clicks_daily", "views"]


def test_partitions_in_batches(either) -> None:
    database = make_database(either)
    either.create_table(DatabaseName=database, TableInput=table_input("t"))
    where = {"DatabaseName": database, "TableName": "t"}
    inputs = [partition_input("2025", "eu"), partition_input("2026", "eu"), partition_input("2026", "us")]
    assert either.batch_create_partition(**where, PartitionInputList=inputs).get("Errors", []) == []
    again = either.batch_create_partition(**where, PartitionInputList=inputs[:1])["Errors"]
    assert [each["ErrorDetail"]["ErrorCode"] for each in again] == ["AlreadyExistsException"]
    entry = {"PartitionValueList": ["2025", "eu"], "PartitionInput": partition_input("2024", "eu")}
    either.batch_update_partition(**where, Entries=[entry])
    either.update_partition(
        **where,
        PartitionValueList=["2026", "us"],
        PartitionInput={"Values": ["2026", "us"], "Parameters": {"n": "1"}},
    )
    assert either.get_partition(**where, PartitionValues=["2026", "us"])["Partition"]["Parameters"] == {
        "n": "1"
    }
    asked = [{"Values": ["2024", "eu"]}, {"Values": ["1999", "eu"]}]
    assert values_of(either.batch_get_partition(**where, PartitionsToGet=asked)) == [["2024", "eu"]]
    gone = either.batch_delete_partition(**where, PartitionsToDelete=asked)["Errors"]
    assert [each["PartitionValues"] for each in gone] == [["1999", "eu"]]
    assert values_of(either.get_partitions(**where)) == [["2026", "eu"], ["2026", "us"]]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("year = 2025", 2),
        ("year > 2024 AND region = 'eu'", 2),
        ("region in ('us') or year = 2024", 4),
        ("year between 2025 and 2026", 4),
        ("region like 'e%'", 3),
        ("year <> 2024", 4),
        ("(year = 2024 or year = 2026) and region <> 'us'", 2),
    ],
)
def test_partitions_by_expression(either, expression: str, expected: int) -> None:
    database = make_database(either)
    either.create_table(DatabaseName=database, TableInput=table_input("t"))
    where = {"DatabaseName": database, "TableName": "t"}
    inputs = [partition_input(year, region) for year in ("2024", "2025", "2026") for region in ("eu", "us")]
    either.batch_create_partition(**where, PartitionInputList=inputs)
    assert len(either.get_partitions(**where, Expression=expression)["Partitions"]) == expected


def test_table_versions_are_kept(either) -> None:
    database = make_database(either)
    either.create_table(DatabaseName=database, TableInput=table_input("t", Description="v0"))
    either.update_table(DatabaseName=database, TableInput=table_input("t", Description="v1"))
    versions = either.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]
    described = [each["Table"]["Description"] for each in versions]
    assert sorted(described) == ["v0", "v1"]
    newest = max(versions, key=lambda each: int(each["VersionId"]))
    oldest = min(versions, key=lambda each: int(each["VersionId"]))
    assert newest["Table"]["Description"] == "v1"
    either.delete_table_version(DatabaseName=database, TableName="t", VersionId=oldest["VersionId"])
    left = either.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]
    assert [each["Table"]["Description"] for each in left] == ["v1"]


# What Local AWS must hold beyond moto.


def test_owner_is_absent_unless_given(glue, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    assert "Owner" not in glue.get_table(DatabaseName=database, Name="t")["Table"]


def test_version_counts_up_and_is_compared(glue, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    for number in range(3):
        found = glue.get_table(DatabaseName=database, Name="t")["Table"]
        assert found["VersionId"] == str(number)
        glue.update_table(
            DatabaseName=database, TableInput=table_input("t"), VersionId=str(number), SkipArchive=True
        )
    stale = code_of(glue.update_table, DatabaseName=database, TableInput=table_input("t"), VersionId="1")
    assert stale == "ConcurrentModificationException"
    assert len(glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]) == 1


def test_one_of_many_creators_wins(glue, database: str) -> None:
    def create(_: int) -> str:
        try:
            glue.create_table(DatabaseName=database, TableInput=table_input("t"))
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "created"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(create, range(16)))
    assert outcomes == ["AlreadyExistsException"] * 15 + ["created"]


def test_segments_and_pages_cover_every_partition_once(glue, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    where = {"DatabaseName": database, "TableName": "t"}
    wanted = [[str(year), region] for year in range(2000, 2040) for region in ("eu", "us")]
    glue.batch_create_partition(**where, PartitionInputList=[partition_input(*each) for each in wanted])
    found = []
    for number in range(3):
        pages = glue.get_paginator("get_partitions").paginate(
            **where,
            Segment={"SegmentNumber": number, "TotalSegments": 3},
            ExcludeColumnSchema=True,
            PaginationConfig={"PageSize": 7},
        )
        found += [each["Values"] for page in pages for each in page["Partitions"]]
    assert sorted(found) == wanted


COMPARISON = st.tuples(
    st.sampled_from(["<", "<=", "=", "<>", ">=", ">"]), st.integers(min_value=1998, max_value=2012)
)
OPERATORS = {
    "<": int.__lt__,
    "<=": int.__le__,
    "=": int.__eq__,
    "<>": int.__ne__,
    ">=": int.__ge__,
    ">": int.__gt__,
}


@pytest.fixture(scope="module")
def decade(local_aws: LocalAws) -> dict[str, str]:
    glue = local_client(local_aws)
    where = {"DatabaseName": make_database(glue), "TableName": "t"}
    glue.create_table(DatabaseName=where["DatabaseName"], TableInput=table_input("t"))
    inputs = [partition_input(str(year), "eu") for year in range(2000, 2011)]
    glue.batch_create_partition(**where, PartitionInputList=inputs)
    return where


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=COMPARISON, second=COMPARISON, either_side=st.booleans(), negated=st.booleans())
def test_expression_means_what_sql_means(
    glue, decade, first, second, either_side: bool, negated: bool
) -> None:
    join = "OR" if either_side else "AND"
    text = f"(year {first[0]} {first[1]} {join} {second[1]} {second[0]} year)"
    found = glue.get_partitions(**decade, Expression=f"NOT {text}" if negated else text)["Partitions"]

    def expected(year: int) -> bool:
        sides = (OPERATORS[first[0]](year, first[1]), OPERATORS[second[0]](second[1], year))
        return (any(sides) if either_side else all(sides)) is not negated

    assert [int(each["Values"][0]) for each in found] == [
        year for year in range(2000, 2011) if expected(year)
    ]


@pytest.mark.parametrize(
    "expression", ["color = 'red'", "year ~ 1", "upper(region) = 'EU'", "year = 'abc'", "year"]
)
def test_expression_that_is_not_understood_is_refused(glue, decade, expression: str) -> None:
    assert code_of(glue.get_partitions, **decade, Expression=expression) == "InvalidInputException"


def test_partition_must_fit_its_table(glue, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    create = glue.create_partition
    wrong = partition_input("2026")
    assert (
        code_of(create, DatabaseName=database, TableName="t", PartitionInput=wrong) == "InvalidInputException"
    )
    assert (
        code_of(create, DatabaseName=database, TableName="u", PartitionInput=wrong)
        == "EntityNotFoundException"
    )


def test_limits_of_batches(glue, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    where = {"DatabaseName": database, "TableName": "t"}
    many = [partition_input(str(year), "eu") for year in range(101)]
    assert code_of(glue.batch_create_partition, **where, PartitionInputList=many) == "ValidationException"
    gone = [{"Values": [str(year), "eu"]} for year in range(26)]
    assert code_of(glue.batch_delete_partition, **where, PartitionsToDelete=gone) == "ValidationException"


def test_search_finds_tables_by_text_and_filter(glue, database: str) -> None:
    word = uuid.uuid4().hex
    glue.create_table(DatabaseName=database, TableInput=table_input("a", Description=f"about {word}"))
    glue.create_table(DatabaseName=database, TableInput=table_input("b", Description=f"more {word}"))
    found = glue.search_tables(SearchText=word)["TableList"]
    assert [each["Name"] for each in found] == ["a", "b"]
    found = glue.search_tables(SearchText=word, Filters=[{"Key": "Name", "Value": "b"}])["TableList"]
    assert [each["Name"] for each in found] == ["b"]


def statistics(column: str, nulls: int) -> dict:
    data = {"Type": "LONG", "LongColumnStatisticsData": {"NumberOfNulls": nulls, "NumberOfDistinctValues": 2}}
    analyzed_at = datetime(2026, 11, 20, tzinfo=UTC)
    return {
        "ColumnName": column,
        "ColumnType": "bigint",
        "AnalyzedTime": analyzed_at,
        "StatisticsData": data,
    }


def test_column_statistics_live_as_long_as_what_they_describe(glue, database: str) -> None:
    table = {"DatabaseName": database, "TableName": "t"}
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    glue.create_partition(**table, PartitionInput=partition_input("2026", "eu"))
    partition = {**table, "PartitionValues": ["2026", "eu"]}
    glue.update_column_statistics_for_table(**table, ColumnStatisticsList=[statistics("id", 1)])
    glue.update_column_statistics_for_partition(**partition, ColumnStatisticsList=[statistics("id", 2)])
    found = glue.get_column_statistics_for_table(**table, ColumnNames=["id", "other"])
    assert [each["StatisticsData"] for each in found["ColumnStatisticsList"]] == [
        statistics("id", 1)["StatisticsData"]
    ]
    assert [each["ColumnName"] for each in found["Errors"]] == ["other"]
    glue.delete_partition(**partition)
    glue.create_partition(**table, PartitionInput=partition_input("2026", "eu"))
    found = glue.get_column_statistics_for_partition(**partition, ColumnNames=["id"])
    assert found["ColumnStatisticsList"] == []
    glue.delete_column_statistics_for_table(**table, ColumnName="id")
    code = code_of(glue.delete_column_statistics_for_table, **table, ColumnName="id")
    assert code == "EntityNotFoundException"


def test_tags(glue) -> None:
    arn = "arn:aws:glue:us-east-1:000000000000:crawler/c"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"team": "menu", "env": "test"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["env"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "menu"}


# pyiceberg, whose safety stands on the catalog's compare-and-swap.


@pytest.fixture
def catalog(local_aws: LocalAws, database: str) -> GlueCatalog:
    bucket = database.replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=bucket)
    return iceberg_catalog(local_aws, bucket)


def iceberg_catalog(local_aws: LocalAws, bucket: str) -> GlueCatalog:
    return GlueCatalog(
        "lake",
        **{
            "glue.endpoint": local_aws.endpoint_url,
            "s3.endpoint": local_aws.endpoint_url,
            "client.region": "us-east-1",
            "client.access-key-id": "test",
            "client.secret-access-key": "test",
            "warehouse": f"s3://{bucket}/warehouse",
        },
    )


def test_eight_writers_lose_nothing(local_aws: LocalAws, catalog: GlueCatalog, database: str) -> None:
    schema = pa.schema([pa.field("writer", pa.int64()), pa.field("step", pa.int64())])
    catalog.create_table(f"{database}.t", schema)
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table(f"{database}.t", schema)

    def write(writer: int) -> None:
        own = iceberg_catalog(local_aws, database.replace("_", "-"))
        for step in range(3):
            rows = pa.Table.from_pylist([{"writer": writer, "step": step}], schema=schema)
            while True:
                try:
                    own.load_table(f"{database}.t").append(rows)
                    break
                except CommitFailedException:
                    continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    table = catalog.load_table(f"{database}.t")
    found = sorted((row["writer"], row["step"]) for row in table.scan().to_arrow().to_pylist())
    assert found == [(writer, step) for writer in range(8) for step in range(3)]
    assert len(table.history()) == 24
    location = catalog.glue.get_table(DatabaseName=database, Name="t")["Table"]["Parameters"][
        "metadata_location"
    ]
    assert re.search(r"/00024-", location)
