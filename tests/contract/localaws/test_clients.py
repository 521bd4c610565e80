"""Clients that are not boto3: awswrangler's catalog and Parquet, obstore, s3fs, pyarrow, Airflow's hooks."""

from __future__ import annotations

import asyncio
import uuid
from urllib.parse import urlsplit

import awswrangler as wr
import boto3
import obstore
import pandas as pd
import pytest
import s3fs
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.s3 import (
    S3CopyObjectOperator,
    S3CreateObjectOperator,
    S3DeleteObjectsOperator,
    S3ListOperator,
)
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sdk.exceptions import TaskDeferred
from obstore.store import S3Store
from pyarrow import fs

from tests.fixtures.local_aws import LocalAws


@pytest.fixture
def lake(local_aws: LocalAws) -> str:
    name = f"clients{uuid.uuid4().hex[:10]}"
    boto3.client("s3").create_bucket(Bucket=name)
    wr.catalog.create_database(name)
    return name


def frame(day: str, *ids: int) -> pd.DataFrame:
    return pd.DataFrame({"id": list(ids), "name": [f"n{each}" for each in ids], "day": day})


def read(lake: str) -> list[tuple[str, int]]:
    rows = wr.s3.read_parquet_table(table="t", database=lake)
    return sorted(zip(rows["day"].astype(str), rows["id"], strict=True))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("append", [("d1", 1), ("d1", 2), ("d1", 3), ("d2", 2)]),
        ("overwrite", [("d1", 3)]),
        ("overwrite_partitions", [("d1", 3), ("d2", 2)]),
    ],
)
def test_awswrangler_writes_datasets_in_every_mode(lake: str, mode: str, expected: list) -> None:
    dataset = {"path": f"s3://{lake}/t/", "dataset": True, "database": lake, "table": "t"}
    both = pd.concat([frame("d1", 1, 2), frame("d2", 2)])
    wr.s3.to_parquet(both, **dataset, partition_cols=["day"])
    assert read(lake) == [("d1", 1), ("d1", 2), ("d2", 2)]
    wr.s3.to_parquet(frame("d1", 3), **dataset, partition_cols=["day"], mode=mode)
    assert read(lake) == expected
    days = {values[0] for values in wr.catalog.get_parquet_partitions(lake, "t").values()}
    assert days == {day for day, _ in expected}


def test_awswrangler_evolves_and_describes_a_table(lake: str) -> None:
    dataset = {"path": f"s3://{lake}/t/", "dataset": True, "database": lake, "table": "t"}
    wr.s3.to_parquet(frame("d1", 1), **dataset, glue_table_settings={"parameters": {"quality": "checked"}})
    wr.s3.to_parquet(frame("d1", 2).assign(extra=1.5), **dataset, catalog_versioning=True)
    assert wr.catalog.get_table_types(lake, "t") == {
        "id": "bigint",
        "name": "string",
        "day": "string",
        "extra": "double",
    }
    assert wr.catalog.get_table_parameters(lake, "t")["quality"] == "checked"
    assert wr.catalog.get_table_number_of_versions(lake, "t") >= 2
    described = wr.catalog.table(database=lake, table="t")
    assert list(described["Column Name"]) == ["id", "name", "day", "extra"]
    assert [each["Name"] for each in wr.catalog.get_tables(database=lake, name_prefix="t")] == ["t"]
    assert wr.catalog.delete_table_if_exists(lake, "t") is True
    assert wr.catalog.does_table_exist(lake, "t") is False


def test_obstore_reads_writes_and_lists(local_aws: LocalAws, lake: str) -> None:
    store = S3Store(
        lake,
        endpoint=local_aws.endpoint_url,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",  # noqa: S106
        client_options={"allow_http": True},
    )
    bodies = {f"raw/2026/{number}": bytes([number]) * 1000 for number in range(30)}
    for key, body in bodies.items():
        obstore.put(store, key, body)
    listed = [each["path"] for batch in obstore.list(store, "raw/") for each in batch]
    assert sorted(listed) == sorted(bodies)
    assert {key: obstore.get(store, key).bytes().to_bytes() for key in bodies} == bodies
    assert obstore.get_range(store, "raw/2026/7", start=10, end=20).to_bytes() == b"\x07" * 10
    obstore.put(store, "large", b"x" * (12 * 1024 * 1024))
    assert obstore.head(store, "large")["size"] == 12 * 1024 * 1024


def test_s3fs_and_pyarrow_see_the_same(local_aws: LocalAws, lake: str) -> None:
    files = s3fs.S3FileSystem(key="test", secret="test", endpoint_url=local_aws.endpoint_url)  # noqa: S106
    with files.open(f"{lake}/a b/ü=1/x", "wb") as file:
        file.write(b"hello" * 100_000)
    arrow = fs.S3FileSystem(
        access_key="test",
        secret_key="test",  # noqa: S106
        endpoint_override=urlsplit(local_aws.endpoint_url).netloc,
        scheme="http",
        region="us-east-1",
    )
    found = arrow.get_file_info(fs.FileSelector(f"{lake}/a b", recursive=True))
    sizes = {each.path: each.size for each in found if each.is_file}
    assert sizes == {f"{lake}/a b/ü=1/x": 500_000}
    with arrow.open_output_stream(f"{lake}/b") as stream:
        stream.write(b"y" * 7_000_000)
    assert files.info(f"{lake}/b")["size"] == 7_000_000
    files.rm(f"{lake}/a b", recursive=True)
    assert not files.exists(f"{lake}/a b/ü=1/x")


def test_airflow_lists_and_copies(lake: str) -> None:
    hook = S3Hook(aws_conn_id=None)
    hook.load_string("{}", key="raw/a", bucket_name=lake)
    hook.copy_object("raw/a", "raw/b", lake, lake)
    listed = S3ListOperator(task_id="list", bucket=lake, prefix="raw/", aws_conn_id=None).execute({})
    assert listed == ["raw/a", "raw/b"]


def test_airflows_operators_make_copy_and_delete_objects(lake: str) -> None:
    common = {"aws_conn_id": None}
    S3CreateObjectOperator(
        task_id="create", s3_bucket=lake, s3_key="raw/a", data="text", encoding="utf-8", **common
    ).execute({})
    S3CopyObjectOperator(
        task_id="copy",
        source_bucket_name=lake,
        source_bucket_key="raw/a",
        dest_bucket_name=lake,
        dest_bucket_key="copied/a",
        **common,
    ).execute({})
    S3DeleteObjectsOperator(task_id="delete", bucket=lake, prefix="raw/", **common).execute({})
    assert S3ListOperator(task_id="list", bucket=lake, **common).execute({}) == ["copied/a"]
    assert S3Hook(aws_conn_id=None).read_key("copied/a", lake) == "text"


def key_sensor(lake: str, key: str, **options: bool) -> S3KeySensor:
    return S3KeySensor(
        task_id="wait", bucket_name=lake, bucket_key=key, aws_conn_id=None, poke_interval=1, **options
    )


@pytest.mark.parametrize("deferrable", [False, True])
def test_airflow_finds_a_key_that_is_there(lake: str, deferrable: bool) -> None:
    S3Hook(aws_conn_id=None).load_string("{}", key="raw/day=1/a", bucket_name=lake)
    sensor = key_sensor(lake, "raw/*/a", wildcard_match=True, deferrable=deferrable)
    sensor.execute({})
    assert sensor.poke({}) is True


def test_airflow_defers_until_a_key_comes(lake: str) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        key_sensor(lake, "late", deferrable=True).execute({})
    S3Hook(aws_conn_id=None).load_string("{}", key="late", bucket_name=lake)

    async def first_event() -> dict:
        return (await anext(deferred.value.trigger.run())).payload

    assert asyncio.run(first_event())["status"] == "success"
