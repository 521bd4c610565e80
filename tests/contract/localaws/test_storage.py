"""What services read past HTTP is what clients see: the files behind every way of writing an object."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import boto3
import pytest
from boto3.s3.transfer import TransferConfig

from tests.fixtures.local_aws import LocalAws

MEBIBYTE = 1024 * 1024


@pytest.fixture
def bucket(local_aws: LocalAws) -> str:
    name = f"files-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def on_disk(local_aws: LocalAws, bucket: str) -> set[bytes]:
    folder = local_aws.data_dir / "s3" / "000000000000" / bucket
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.read_bytes() for path in files if not path.name.endswith(".meta.json")}


def test_every_way_of_writing_ends_in_a_file(local_aws: LocalAws, bucket: str, tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"plain")
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (12 * MEBIBYTE // 256))
    parts = TransferConfig(multipart_threshold=5 * MEBIBYTE, multipart_chunksize=5 * MEBIBYTE)
    s3.upload_file(str(large), bucket, "parts", Config=parts)
    assert s3.head_object(Bucket=bucket, Key="parts")["ETag"].endswith('-3"')
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "plain"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"first a file")
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"then a folder")
    s3.put_object(Bucket=bucket, Key="x" * 900, Body=b"a long name")
    assert on_disk(local_aws, bucket) == {
        b"plain",
        large.read_bytes(),
        b"first a file",
        b"then a folder",
        b"a long name",
    }
    s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "plain"}, {"Key": "copy"}, {"Key": "parts"}]}
    )
    assert b"plain" not in on_disk(local_aws, bucket)


def test_a_crawler_reads_objects_whose_names_no_file_can_have(local_aws: LocalAws, bucket: str) -> None:
    s3, glue = boto3.client("s3"), boto3.client("glue")
    keys = ["raw/a", "raw/a/b", f"raw/{'n' * 300}", "raw/../c", "raw/ü b"]
    for number, key in enumerate(keys):
        s3.put_object(Bucket=bucket, Key=key, Body=b'{"n%d": 1}' % number)
    name = bucket.replace("-", "_")
    configuration = '{"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}'
    glue.create_crawler(
        Name=name,
        Role="arn:aws:iam::000000000000:role/c",
        DatabaseName=name,
        Configuration=configuration,
        Targets={"S3Targets": [{"Path": f"s3://{bucket}/raw/", "Exclusions": ["../**", "a/**"]}]},
    )
    glue.start_crawler(Name=name)
    while glue.get_crawler(Name=name)["Crawler"]["State"] != "READY":
        time.sleep(0.02)
    [table] = glue.get_tables(DatabaseName=name)["TableList"]
    assert {column["Name"] for column in table["StorageDescriptor"]["Columns"]} == {"n0", "n2", "n4"}
