"""Found tables and partitions in the words of the catalog, as Glue writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localaws.crawler.layout import CrawledObject, FoundPartition, FoundTable
from localaws.crawler.types import HiveType, merge_fields, render

Document = dict[str, Any]

_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_FORMATS = {
    "csv": (_TEXT_INPUT, _TEXT_OUTPUT, _LAZY_SIMPLE),
    "json": (_TEXT_INPUT, _TEXT_OUTPUT, "org.openx.data.jsonserde.JsonSerDe"),
    "parquet": (
        f"{_PARQUET}.MapredParquetInputFormat",
        f"{_PARQUET}.MapredParquetOutputFormat",
        f"{_PARQUET}.serde.ParquetHiveSerDe",
    ),
}


def table_input(name: str, crawler: str, location: str, table: FoundTable) -> Document:
    """Return the TableInput of a found table."""
    parameters = _statistics(crawler, table.objects)
    return {
        "Name": name,
        "Owner": "owner",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in table.partition_keys],
        "Parameters": {**parameters, "partition_filtering.enabled": "true"},
        "StorageDescriptor": _descriptor(location, table.columns, parameters),
    }


def partition_input(crawler: str, location: str, table: FoundTable, partition: FoundPartition) -> Document:
    """Return the PartitionInput of a found partition, with its own columns."""
    merged = merge_fields(each.content.columns for each in partition.objects)
    columns = {name: each for name, each in merged.items() if name not in table.partition_keys}
    parameters = _statistics(crawler, partition.objects)
    return {
        "Values": list(partition.values),
        "Parameters": parameters,
        "StorageDescriptor": _descriptor(location, columns, parameters),
    }


def _descriptor(location: str, columns: dict[str, HiveType], parameters: dict[str, str]) -> Document:
    classification = parameters["classification"]
    input_format, output_format, serde = _FORMATS[classification]
    serde_parameters = {"serialization.format": "1"}
    if classification == "json":
        serde_parameters = {"paths": ",".join(sorted(columns))}
    elif classification == "csv":
        serde_parameters = {"field.delim": parameters["delimiter"]}
    return {
        "Columns": [{"Name": name, "Type": render(each)} for name, each in columns.items()],
        "Location": location,
        "InputFormat": input_format,
        "OutputFormat": output_format,
        "Compressed": parameters["compressionType"] != "none",
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters},
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": parameters,
        "StoredAsSubDirectories": False,
    }


def _statistics(crawler: str, objects: Sequence[CrawledObject]) -> dict[str, str]:
    size = sum(each.bytes_stored for each in objects)
    records = sum(each.content.records_seen for each in objects)
    content = objects[0].content
    return {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": crawler,
        "averageRecordSize": str(size // max(records, 1)),
        "classification": content.classification,
        "compressionType": content.compression,
        "objectCount": str(len(objects)),
        "recordCount": str(records),
        "sizeKey": str(size),
        "typeOfData": "file",
        **content.details,
    }
