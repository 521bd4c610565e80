"""Glue crawlers through boto3 and Airflow: what lies in S3 is what the catalog says."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from pyiceberg.catalog.glue import GlueCatalog

from tests.fixtures.crawler import ROLE, CrawledLake, columns, keys
from tests.fixtures.local_aws import LocalAws

COMBINE = json.dumps({"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}})


@pytest.fixture
def lake(local_aws: LocalAws) -> CrawledLake:
    return CrawledLake()


def code_of(call, **arguments) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_concatenated_json_in_date_folders(lake: CrawledLake) -> None:
    lake.put("raw/clicks/2026/11/20/s-1-x", {"id": 1, "Temp": 2}, {"id": 2**40, "Temp": 2.5})
    lake.put("raw/clicks/2026/11/21/s-1-y.gz", {"id": 3, "tags": ["a"], "at": {"x": 1}}, compress=True)
    lake.create("raw/clicks/", TablePrefix="raw_", Configuration=COMBINE)
    assert lake.crawl() == {
        "TABLE": {"ADD": 1, "UPDATE": 0, "DELETE": 0},
        "PARTITION": {"ADD": 2, "UPDATE": 0, "DELETE": 0},
    }
    [(name, table)] = lake.tables().items()
    assert name == "raw_clicks"
    expected = {"id": "bigint", "temp": "double", "tags": "array<string>", "at": "struct<x:int>"}
    assert columns(table) == expected
    assert keys(table) == ["partition_0", "partition_1", "partition_2"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{lake.name}/raw/clicks/"
    serde = table["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    assert serde["Parameters"] == {"paths": "at,id,tags,temp"}
    assert (
        table["Parameters"].items()
        >= {
            "classification": "json",
            "objectCount": "2",
            "UPDATED_BY_CRAWLER": lake.name,
        }.items()
    )
    partitions = lake.partitions(name)
    assert sorted(partitions) == [("2026", "11", "20"), ("2026", "11", "21")]
    last = partitions["2026", "11", "21"]
    assert last["StorageDescriptor"]["Location"] == f"s3://{lake.name}/raw/clicks/2026/11/21/"
    assert last["Parameters"]["compressionType"] == "gzip"
    assert lake.crawl()["PARTITION"] == {"ADD": 0, "UPDATE": 0, "DELETE": 0}


def test_parquet_in_key_value_folders(lake: CrawledLake) -> None:
    schema = pa.schema(
        [
            pa.field("device", pa.int64()),
            pa.field("at", pa.timestamp("us", tz="UTC")),
            pa.field("price", pa.decimal128(10, 2)),
            pa.field("loads", pa.list_(pa.struct([pa.field("cpu", pa.float32())]))),
            pa.field("labels", pa.map_(pa.string(), pa.int32())),
        ]
    )
    buffer = io.BytesIO()
    pq.write_table(schema.empty_table(), buffer)
    for day in ("2026-11-20", "2026-11-21"):
        key = f"trusted/t/day={day}/part-0.parquet"
        lake.s3.put_object(Bucket=lake.name, Key=key, Body=buffer.getvalue())
    lake.s3.put_object(Bucket=lake.name, Key="trusted/t/_SUCCESS", Body=b"done")
    lake.create("trusted/t")
    lake.crawl()
    table = lake.tables()["t"]
    assert columns(table) == {
        "device": "bigint",
        "at": "timestamp",
        "price": "decimal(10,2)",
        "loads": "array<struct<cpu:float>>",
        "labels": "map<string,int>",
    }
    assert keys(table) == ["day"]
    assert sorted(lake.partitions("t")) == [("2026-11-20",), ("2026-11-21",)]
    assert "ParquetHiveSerDe" in table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]


def test_different_schemas_make_tables_of_their_own_unless_combined(lake: CrawledLake) -> None:
    lake.put("raw/clicks/a", {"id": 1, "element": "x"})
    lake.put("raw/devices/b", {"device": 1, "cpu": 0.5, "ram": 0.5})
    lake.create("raw/")
    lake.crawl()
    assert sorted(lake.tables()) == ["clicks", "devices"]
    lake.glue.update_crawler(Name=lake.name, Configuration=COMBINE, TablePrefix="all_")
    lake.crawl()
    assert columns(lake.tables()["all_raw"]).keys() == {"id", "element", "device", "cpu", "ram"}
    assert sorted(lake.partitions("all_raw")) == [("clicks",), ("devices",)]


def test_exclusions_leave_objects_out(lake: CrawledLake) -> None:
    lake.put("raw/2026/a.json", {"id": 1})
    lake.put("raw/2026/b.tmp", {"id": 1, "draft": True})
    lake.put("raw/errors/2026/c.json", {"failed": True})
    lake.create("raw/", exclusions=("**.tmp", "errors/**"))
    lake.crawl()
    [table] = lake.tables().values()
    assert columns(table) == {"id": "int"}
    assert list(lake.partitions("raw")) == [("2026",)]


@pytest.mark.parametrize(("behavior", "expected"), [("UPDATE_IN_DATABASE", {"id", "new"}), ("LOG", {"id"})])
def test_update_behavior(lake: CrawledLake, behavior: str, expected: set[str]) -> None:
    lake.put("raw/d=1/a", {"id": 1})
    lake.create(
        SchemaChangePolicy={"UpdateBehavior": behavior, "DeleteBehavior": "LOG"}, Configuration=COMBINE
    )
    lake.crawl()
    lake.put("raw/d=2/b", {"id": 2, "new": "x"})
    lake.crawl()
    assert columns(lake.tables()["raw"]).keys() == expected
    assert sorted(lake.partitions("raw")) == [("1",), ("2",)]


@pytest.mark.parametrize("behavior", ["DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE", "LOG"])
def test_delete_behavior(lake: CrawledLake, behavior: str) -> None:
    lake.put("raw/gone/d=1/a", {"id": 1})
    lake.put("raw/kept/d=1/a", {"other": 1})
    lake.put("raw/kept/d=2/a", {"other": 1})
    lake.create(SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": behavior})
    lake.crawl()
    for key in ("raw/gone/d=1/a", "raw/kept/d=2/a"):
        lake.s3.delete_object(Bucket=lake.name, Key=key)
    lake.glue.update_crawler(
        Name=lake.name,
        Targets={"S3Targets": [{"Path": f"s3://{lake.name}/raw/{each}/"} for each in ("gone", "kept")]},
    )
    changed = lake.crawl()
    tables, partitions = lake.tables(), lake.partitions("kept")
    if behavior == "DELETE_FROM_DATABASE":
        assert (sorted(tables), sorted(partitions)) == (["kept"], [("1",)])
        assert (changed["TABLE"]["DELETE"], changed["PARTITION"]["DELETE"]) == (1, 1)
        metrics = lake.glue.get_crawler_metrics(CrawlerNameList=[lake.name])["CrawlerMetricsList"]
        assert [each["TablesDeleted"] for each in metrics] == [1]
        return
    marked = behavior == "DEPRECATE_IN_DATABASE"
    assert ("DEPRECATED_BY_CRAWLER" in tables["gone"]["Parameters"]) is marked
    assert ("DEPRECATED_BY_CRAWLER" in partitions[("2",)]["Parameters"]) is marked
    assert "DEPRECATED_BY_CRAWLER" not in partitions[("1",)]["Parameters"]


def test_new_folders_only(lake: CrawledLake) -> None:
    policy = {"SchemaChangePolicy": {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}}
    recrawl = {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}}
    with pytest.raises(ClientError, match="can have only LOG"):
        lake.create(**recrawl)
    lake.put("raw/d=1/a", {"id": 1})
    lake.create(**policy, **recrawl)
    lake.crawl()
    lake.put("raw/d=1/b", {"id": 1, "unseen": True})
    lake.put("raw/d=2/a", {"id": 2})
    assert lake.crawl()["PARTITION"] == {"ADD": 1, "UPDATE": 0, "DELETE": 0}
    assert lake.partitions("raw")[("1",)]["Parameters"]["objectCount"] == "1"


def test_merge_new_columns_and_inherit_from_table(lake: CrawledLake) -> None:
    output = {
        "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
        "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
    }
    configuration = {**json.loads(COMBINE), "CrawlerOutput": output}
    lake.put("raw/d=1/a", {"id": 1, "old": 1})
    lake.create(Configuration=json.dumps(configuration))
    lake.crawl()
    lake.s3.delete_object(Bucket=lake.name, Key="raw/d=1/a")
    lake.put("raw/d=1/b", {"id": 1})
    lake.put("raw/d=2/c", {"id": 1, "new": "x"})
    lake.crawl()
    assert columns(lake.tables()["raw"]) == {"id": "int", "old": "int", "new": "string"}
    assert columns(lake.partitions("raw")[("2",)]) == columns(lake.tables()["raw"])


def test_a_name_that_is_taken_gets_a_suffix(lake: CrawledLake) -> None:
    lake.put("one/raw/a", {"id": 1})
    lake.put("two/raw/a", {"other": 1})
    lake.create(Targets={"S3Targets": [{"Path": f"s3://{lake.name}/{each}/raw/"} for each in ("one", "two")]})
    lake.crawl()
    assert lake.crawl()["TABLE"] == {"ADD": 0, "UPDATE": 0, "DELETE": 0}
    names = sorted(lake.tables())
    assert names[0] == "raw"
    assert names[1].startswith("raw_")
    assert len(names) == 2


def test_iceberg_target_registers_and_leaves_other_writers_alone(
    local_aws: LocalAws, lake: CrawledLake
) -> None:
    settings = {"glue.endpoint": local_aws.endpoint_url, "s3.endpoint": local_aws.endpoint_url}
    keys_of = {
        "client.access-key-id": "test",
        "client.secret-access-key": "test",
        "client.region": "us-east-1",
    }
    catalog = GlueCatalog("lake", **settings, **keys_of)
    lake.glue.create_database(DatabaseInput={"Name": f"{lake.name}_source"})
    source = f"{lake.name}_source.t"
    schema = pa.schema([pa.field("id", pa.int64()), pa.field("at", pa.timestamp("us"))])
    table = catalog.create_table(source, schema, location=f"s3://{lake.name}/iceberg/t")
    table.append(pa.Table.from_pylist([{"id": 1, "at": None}], schema=schema))
    lake.create(
        Targets={"IcebergTargets": [{"Paths": [f"s3://{lake.name}/iceberg/"], "MaximumTraversalDepth": 3}]}
    )
    lake.crawl()
    registered = catalog.load_table(f"{lake.name}.t")
    assert registered.scan().to_arrow().to_pylist() == [{"id": 1, "at": None}]
    assert columns(lake.tables()["t"]) == {"id": "bigint", "at": "timestamp"}
    table.append(pa.Table.from_pylist([{"id": 2, "at": None}], schema=schema))
    assert lake.crawl()["TABLE"]["UPDATE"] == 1
    assert len(catalog.load_table(f"{lake.name}.t").scan().to_arrow()) == 2


def test_states_and_refusals(lake: CrawledLake) -> None:
    for number in range(400):
        lake.put(f"raw/{number}", {"id": number})
    lake.create()
    glue = lake.glue
    assert (
        code_of(
            glue.create_crawler,
            Name=lake.name,
            Role=ROLE,
            DatabaseName="d",
            Targets={"S3Targets": [{"Path": "s3://b/"}]},
        )
        == "AlreadyExistsException"
    )
    assert code_of(glue.stop_crawler, Name=lake.name) == "CrawlerNotRunningException"
    glue.start_crawler(Name=lake.name)
    assert code_of(glue.start_crawler, Name=lake.name) == "CrawlerRunningException"
    assert lake.crawler()["State"] == "RUNNING"
    assert code_of(glue.delete_crawler, Name=lake.name) == "CrawlerRunningException"
    glue.stop_crawler(Name=lake.name)
    while lake.crawler()["State"] != "READY":
        time.sleep(0.02)
    assert lake.crawler()["LastCrawl"]["Status"] == "CANCELLED"
    assert glue.list_crawls(CrawlerName=lake.name)["Crawls"][0]["State"] == "STOPPED"
    glue.delete_crawler(Name=lake.name)
    assert code_of(glue.get_crawler, Name=lake.name) == "EntityNotFoundException"
    assert code_of(glue.start_crawler, Name=lake.name) == "EntityNotFoundException"


def test_missing_bucket_fails_by_name(lake: CrawledLake) -> None:
    lake.create(Targets={"S3Targets": [{"Path": "s3://no-such-bucket-here/raw/"}]})
    lake.glue.start_crawler(Name=lake.name)
    while lake.crawler()["State"] != "READY":
        time.sleep(0.02)
    last = lake.crawler()["LastCrawl"]
    assert last["Status"] == "FAILED"
    assert "no-such-bucket-here" in last["ErrorMessage"]


@pytest.mark.parametrize(
    "more",
    [
        {"Targets": {"JdbcTargets": [{"ConnectionName": "c", "Path": "db"}]}},
        {"Targets": {}},
        {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}},
        {"Classifiers": ["mine"]},
        {"Configuration": '{"Version": 1.0, "Grouping": {"TableLevelConfiguration": 2}}'},
        {"Configuration": "not json"},
    ],
)
def test_what_is_not_done_is_refused(lake: CrawledLake, more: dict) -> None:
    with pytest.raises(ClientError, match="InvalidInputException"):
        lake.create(**more)
    assert lake.name not in lake.glue.list_crawlers()["CrawlerNames"]


def test_schedules_are_kept(lake: CrawledLake) -> None:
    lake.create(Schedule="cron(15 12 * * ? *)", Tags={"team": lake.name})
    glue = lake.glue
    kept = {"ScheduleExpression": "cron(15 12 * * ? *)", "State": "SCHEDULED"}
    assert lake.crawler()["Schedule"] == kept
    assert code_of(glue.start_crawler_schedule, CrawlerName=lake.name) == "SchedulerRunningException"
    glue.stop_crawler_schedule(CrawlerName=lake.name)
    assert code_of(glue.stop_crawler_schedule, CrawlerName=lake.name) == "SchedulerNotRunningException"
    glue.start_crawler_schedule(CrawlerName=lake.name)
    assert lake.crawler()["Schedule"] == kept
    assert glue.list_crawlers(Tags={"team": lake.name})["CrawlerNames"] == [lake.name]
    found = glue.batch_get_crawlers(CrawlerNames=[lake.name, "nobody"])
    assert ([each["Name"] for each in found["Crawlers"]], found["CrawlersNotFound"]) == (
        [lake.name],
        ["nobody"],
    )


def test_crawlers_and_tables_survive_a_kill(tmp_path: Path) -> None:
    first = LocalAws.start(tmp_path)
    settings = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=first.endpoint_url, **settings).create_bucket(Bucket="lake")
    boto3.client("s3", endpoint_url=first.endpoint_url, **settings).put_object(
        Bucket="lake", Key="raw/a", Body=b'{"id": 1}'
    )
    glue = boto3.client("glue", endpoint_url=first.endpoint_url, **settings)
    targets = {"S3Targets": [{"Path": "s3://lake/raw/"}]}
    glue.create_crawler(Name="c", Role=ROLE, DatabaseName="d", Targets=targets)
    glue.start_crawler(Name="c")
    while glue.get_crawler(Name="c")["Crawler"]["State"] != "READY":
        time.sleep(0.02)
    first.kill()
    second = LocalAws.start(tmp_path)
    try:
        glue = boto3.client("glue", endpoint_url=second.endpoint_url, **settings)
        assert glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
        assert columns(glue.get_table(DatabaseName="d", Name="raw")["Table"]) == {"id": "int"}
    finally:
        assert second.stop() == 0
