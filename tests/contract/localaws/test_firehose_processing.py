"""Firehose through boto3: partitions by jq and Lambda, de-aggregation, Parquet, the backup."""

from __future__ import annotations

import base64
import gzip
import io
import json
import uuid
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from tests.fixtures.delivery import ROLE, START
from tests.fixtures.local_aws import LocalAws

LARGE = {"SizeInMBs": 64, "IntervalInSeconds": 60}
FUNCTION = """
import base64, json

def keyed(record):
    city = json.loads(base64.b64decode(record["data"])).get("city")
    answer = {"recordId": record["recordId"], "result": "Ok", "data": record["data"]}
    return {**answer, "metadata": {"partitionKeys": {"city": city}}}

def handler(event, context):
    return {"records": [keyed(record) for record in event["records"]]}
"""


def processor(kind: str, **parameters: str) -> dict[str, Any]:
    named = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Type": kind, "Parameters": named}


def query(text: str) -> dict[str, Any]:
    return processor("MetadataExtraction", MetadataExtractionQuery=text, JsonParsingEngine="JQ-1.6")


def create(bucket: str, *processors: dict[str, Any], **destination: Any) -> str:
    name = f"s-{uuid.uuid4().hex[:8]}"
    boto3.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": LARGE,
            "ProcessingConfiguration": {"Enabled": bool(processors), "Processors": list(processors)},
            **destination,
        },
    )
    return name


def partitioned(bucket: str, *processors: dict[str, Any], prefix: str) -> str:
    return create(bucket, *processors, Prefix=prefix, DynamicPartitioningConfiguration={"Enabled": True})


def deliver(clock: LocalAws, bucket: str, stream: str, *records: bytes) -> dict[str, bytes]:
    """Return the objects by the folder that they are in."""
    firehose, s3 = boto3.client("firehose"), boto3.client("s3")
    firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": data} for data in records])
    clock.set_clock(START + timedelta(minutes=10))
    found: dict[str, bytes] = {}
    for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        folder = each["Key"].rpartition("/")[0]
        assert folder not in found
        found[folder] = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
    return found


def lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


def test_each_record_is_in_the_partition_that_its_keys_name(clock: LocalAws, bucket: str) -> None:
    stream = partitioned(
        bucket,
        query('{device: .type.device, year: (.at | strftime("%Y"))}'),
        processor("AppendDelimiterToRecord", Delimiter="\\n"),
        prefix="d=!{partitionKeyFromQuery:device}/y=!{partitionKeyFromQuery:year}/!{timestamp:HH}",
    )
    first = b'{"type": {"device": "mobile"}, "at": 1565382027}'
    second = b'{"type": {"device": "t\\u00e4blet"}, "at": 0}'
    third = b'{"type":{"device":"mobile"},"at":1565382028}'
    broken = [b"no json", b'{"type": {}, "at": 0}', b'{"at": "soon", "type": {"device": "x"}}']
    found = deliver(clock, bucket, stream, first, *broken, second, third)
    assert found.keys() == {"d=mobile/y=2019", "d=täblet/y=1970", "errors/processing-failed"}
    assert found["d=mobile/y=2019"] == first + b"\n" + third + b"\n"
    assert found["d=täblet/y=1970"] == second + b"\n"
    failed = lines(found["errors/processing-failed"])
    assert [base64.b64decode(line["rawData"]) for line in failed] == broken
    assert {line["errorCode"] for line in failed} == {"DynamicPartitioning.MetadataExtractionFailed"}
    assert [line["errorMessage"] for line in failed[:2]] == [
        "Non JSON record provided",
        "partitionKeys values must not be null or empty",
    ]
    assert failed[0]["arrivalTimestamp"] == START.timestamp() * 1000


def test_a_record_of_many_is_split_before_it_is_partitioned(clock: LocalAws, bucket: str) -> None:
    stream = partitioned(
        bucket,
        processor("RecordDeAggregation", SubRecordType="JSON"),
        query("{kind: .k}"),
        prefix="k=!{partitionKeyFromQuery:kind}/",
    )
    found = deliver(clock, bucket, stream, b'{"k":"a","n":1}{"k":"b"}\n {"k":"a","n":2}', b'{"k":"b"}{')
    assert found["k=a"] == b'{"k":"a","n":1}{"k":"a","n":2}'
    assert found["k=b"] == b'{"k":"b"}'
    [failed] = lines(found["errors/processing-failed"])
    assert base64.b64decode(failed["rawData"]) == b'{"k":"b"}{'


def test_a_delimiter_of_its_own_splits(clock: LocalAws, bucket: str) -> None:
    delimiter = base64.b64encode(b"####").decode()
    stream = partitioned(
        bucket,
        processor("RecordDeAggregation", SubRecordType="DELIMITED", Delimiter=delimiter),
        query("{kind: .k}"),
        prefix="k=!{partitionKeyFromQuery:kind}/",
    )
    parts = [b'{"k":1,"i":%d}' % number for number in range(501)]
    found = deliver(clock, bucket, stream, b"####".join(parts[:500]), b"####".join(parts))
    assert found["k=1"] == b"".join(parts[:500])
    assert len(lines(found["errors/processing-failed"])) == 1


def test_a_function_gives_partition_keys(clock: LocalAws, bucket: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", FUNCTION)
    function = boto3.client("lambda").create_function(
        FunctionName=f"keys-{uuid.uuid4().hex[:8]}",
        Runtime="python3.11",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
    )
    stream = partitioned(
        bucket,
        processor("Lambda", LambdaArn=function["FunctionArn"]),
        query("{kind: .k}"),
        prefix="c=!{partitionKeyFromLambda:city}/k=!{partitionKeyFromQuery:kind}/",
    )
    found = deliver(clock, bucket, stream, b'{"k":1,"city":"Oslo"}', b'{"k":1}', b'{"k":2,"city":"Oslo"}')
    assert found["c=Oslo/k=1"] == b'{"k":1,"city":"Oslo"}'
    assert found["c=Oslo/k=2"] == b'{"k":2,"city":"Oslo"}'
    [failed] = lines(found["errors/processing-failed"])
    assert failed["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"


@pytest.fixture
def table(local_aws: LocalAws) -> dict[str, str]:
    glue, database = boto3.client("glue"), f"db_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": database})
    types = {
        "id": "bigint",
        "price": "decimal(9,2)",
        "at": "timestamp",
        "tags": "array<string>",
        "menu_item": "struct<name:string,sold:int>",
        "is_open": "boolean",
    }
    columns = [{"Name": name, "Type": kind} for name, kind in types.items()]
    glue.create_table(
        DatabaseName=database, TableInput={"Name": "clicks", "StorageDescriptor": {"Columns": columns}}
    )
    return {"DatabaseName": database, "TableName": "clicks", "RoleARN": ROLE, "Region": "us-east-1"}


def conversion(table: dict[str, str], deserializer: dict[str, Any], **parquet: Any) -> dict[str, Any]:
    return {
        "Enabled": True,
        "SchemaConfiguration": table,
        "InputFormatConfiguration": {"Deserializer": deserializer},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": parquet}},
    }


def test_records_become_parquet_with_the_columns_of_the_table(
    clock: LocalAws, bucket: str, table: dict[str, str]
) -> None:
    serde = {"OpenXJsonSerDe": {"ColumnToJsonKeyMappings": {"at": "clickedAt"}}}
    stream = create(
        bucket,
        Prefix="data/",
        DataFormatConversionConfiguration=conversion(table, serde, Compression="GZIP"),
    )
    good = [
        b'{"ID": 1, "price": 12.345, "clickedAt": "2026-11-20T10:00:00.5Z", "tags": ["a", null], "other": 1}',
        b'{"id": "2", "clickedAt": 1763632800123, "menu_item": {"name": "Pho", "sold": 3}, "is_open": true}'
        b'{"id": 3, "clickedAt": 1763632800}',
    ]
    broken = [b'{"id": "oops"}', b"{not json", b"  ", b"[1]", b'{"clickedAt": "soon"}']
    broken += [b"[" * 100_000, b'{"clickedAt": "3000-01-01 00:00:00"}', b'{"price": 12345678.5}']
    found = deliver(clock, bucket, stream, *good, *broken)
    assert found.keys() == {"data/2026/11/20/13", "errors/format-conversion-failed"}
    [key] = [
        each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="data/")["Contents"]
    ]
    assert key.endswith(".parquet")
    file = pq.ParquetFile(io.BytesIO(found["data/2026/11/20/13"]))
    assert file.metadata.row_group(0).column(0).compression == "GZIP"
    rows = file.read().to_pylist()
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert rows[0]["price"] == Decimal("12.34")
    assert rows[0]["at"] == datetime(2026, 11, 20, 10, 0, 0, 500000)
    assert rows[1]["at"] == datetime(2025, 11, 20, 10, 0, 0, 123000)
    assert rows[2]["at"] == datetime(2025, 11, 20, 10, 0)
    assert (rows[0]["tags"], rows[1]["menu_item"]) == (["a", None], {"name": "Pho", "sold": 3})
    failed = lines(found["errors/format-conversion-failed"])
    assert [base64.b64decode(line["rawData"]) for line in failed] == broken
    codes = [line["lastErrorCode"].removeprefix("DataFormatConversion.") for line in failed]
    malformed = ["MalformedData"]
    assert codes == [*malformed, "ParseError", *malformed * 3, "ParseError", *malformed * 2]
    assert failed[0]["dataCatalogTable"]["tableName"] == "clicks"
    assert "Data does not match the schema" in failed[0]["lastErrorMessage"]


def test_the_hive_deserializer_reads_its_formats(clock: LocalAws, bucket: str, table: dict[str, str]) -> None:
    serde = {"HiveJsonSerDe": {"TimestampFormats": ["dd.MM.yyyy HH:mm", "millis"]}}
    stream = create(bucket, Prefix="data/", DataFormatConversionConfiguration=conversion(table, serde))
    found = deliver(
        clock,
        bucket,
        stream,
        b'{"at": "20.11.2026 10:30"}',
        b'{"at": 1500}',
        b'{"at": "2026-11-20 10:31:02"}',
    )
    rows = pq.read_table(io.BytesIO(found["data/2026/11/20/13"])).to_pylist()
    assert [row["at"] for row in rows] == [
        datetime(2026, 11, 20, 10, 30),
        datetime(1970, 1, 1, 0, 0, 1, 500000),
        datetime(2026, 11, 20, 10, 31, 2),
    ]


def test_the_backup_holds_what_came_in(clock: LocalAws, bucket: str, table: dict[str, str]) -> None:
    backup = {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "Prefix": "source/",
        "CompressionFormat": "GZIP",
        "BufferingHints": {"IntervalInSeconds": 30, "SizeInMBs": 1},
    }
    stream = create(
        bucket,
        Prefix="data/",
        S3BackupMode="Enabled",
        S3BackupConfiguration=backup,
        DataFormatConversionConfiguration=conversion(table, {"OpenXJsonSerDe": {}}),
    )
    firehose, s3 = boto3.client("firehose"), boto3.client("s3")
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    extended = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert extended["S3BackupDescription"]["Prefix"] == "source/"
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b'{"id": 1}'})
    clock.set_clock(START + timedelta(seconds=30))
    [early] = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert early["Key"].startswith(f"source/2026/11/20/13/{stream}-1-")
    found = deliver(clock, bucket, stream, b"no json")
    assert {"data/2026/11/20/13", "errors/format-conversion-failed"} < found.keys() | {"source"}
    bodies = [
        gzip.decompress(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
        for each in s3.list_objects_v2(Bucket=bucket, Prefix="source/")["Contents"]
    ]
    assert sorted(bodies) == [b"no json", b'{"id": 1}']
    with pytest.raises(ClientError, match="cannot be disabled"):
        firehose.update_destination(
            DeliveryStreamName=stream,
            CurrentDeliveryStreamVersionId=described["VersionId"],
            DestinationId=described["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate={"S3BackupMode": "Disabled"},
        )


def test_partitioning_is_for_good_what_a_stream_was_made_with(local_aws: LocalAws, bucket: str) -> None:
    firehose, stream = boto3.client("firehose"), create(bucket, Prefix="plain/")
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    keyed = processor("AppendDelimiterToRecord", Delimiter="\\n"), query("{k: .k}")
    with pytest.raises(ClientError, match="Dynamic partitioning cannot be changed"):
        firehose.update_destination(
            DeliveryStreamName=stream,
            CurrentDeliveryStreamVersionId=described["VersionId"],
            DestinationId=described["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate={
                **KEYED,
                "ProcessingConfiguration": {"Enabled": True, "Processors": list(keyed)},
            },
        )


KEYED = {"Prefix": "k=!{partitionKeyFromQuery:k}/", "DynamicPartitioningConfiguration": {"Enabled": True}}


@pytest.mark.parametrize(
    ("processors", "destination", "reason"),
    [
        ([query("{k: .k}")], {**KEYED, "BufferingHints": {"SizeInMBs": 63}}, "at least 64"),
        ([query("{k: .k}")], {**KEYED, "BufferingHints": {"IntervalInSeconds": 59}}, "at least 60"),
        ([query("{k: .k}")], {**KEYED, "ErrorOutputPrefix": ""}, "ErrorOutputPrefix is needed"),
        ([query("{k: .k}")], {**KEYED, "Prefix": "plain/"}, "partition keys"),
        ([query("{k: .k}")], {"Prefix": "plain/"}, "DynamicPartitioningConfiguration"),
        ([processor("RecordDeAggregation", SubRecordType="JSON")], {}, "DynamicPartitioningConfiguration"),
        ([query("{k:")], KEYED, "no jq query"),
        ([query("{k: $ENV.HOME}")], KEYED, "may not use"),
        ([query("{k: env.HOME}")], KEYED, "may not use"),
        ([processor("Decompression", CompressionFormat="GZIP")], {}, "Decompression"),
        ([processor("Lambda", LambdaArn=ROLE, BufferSizeInMBs="7")], {}, "BufferSizeInMBs"),
        ([], {"CompressionFormat": "ZIP"}, "ZIP"),
        ([], {"S3BackupMode": "Enabled"}, "S3BackupConfiguration"),
        ([], {"DataFormatConversionConfiguration": {"Enabled": True}}, "SchemaConfiguration"),
    ],
)
def test_what_aws_refuses_is_refused_by_name(
    local_aws: LocalAws, bucket: str, processors: list[Any], destination: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match=f"InvalidArgumentException.*{reason}"):
        create(bucket, *processors, **destination)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"CompressionFormat": "GZIP"}, "UNCOMPRESSED"),
        ({"BufferingHints": {"SizeInMBs": 5}}, "at least 64"),
        ({"table": "nobody"}, "EntityNotFound"),
        ({"orc": True}, "OrcSerDe"),
    ],
)
def test_a_conversion_that_cannot_be_is_refused(
    local_aws: LocalAws, bucket: str, table: dict[str, str], change: dict[str, Any], reason: str
) -> None:
    asked = dict(change)
    configuration = conversion(
        {**table, "TableName": asked.pop("table", table["TableName"])}, {"OpenXJsonSerDe": {}}
    )
    if asked.pop("orc", False):
        configuration["OutputFormatConfiguration"]["Serializer"] = {"OrcSerDe": {}}
    with pytest.raises(ClientError, match=f"InvalidArgumentException.*{reason}"):
        create(bucket, DataFormatConversionConfiguration=configuration, **asked)
