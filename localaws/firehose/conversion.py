"""DataFormatConversionConfiguration: which table's columns, which deserializer, which Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.firehose import timestamps
from localaws.service import AwsError

LATEST = "LATEST"
_DEFAULT_PAGE_BYTES = 1024 * 1024
_PARQUET_VERSIONS = {"V1": "1.0", "V2": "2.0"}


@dataclass(frozen=True)
class TableReference:
    """The Glue table whose columns the records have."""

    database: str
    table: str
    version: str
    region: str
    catalog_id: str


@dataclass(frozen=True)
class JsonSerDe:
    """How a deserializer reads JSON.

    Parameters
    ----------
    is_case_insensitive
        Whether keys are compared in lower case.
    has_dots_for_underscores
        Whether a dot in a key stands for an underscore in a column's name.
    keys
        The key of a column whose name is another one.
    timestamp_formats
        Formats of Joda that timestamps may have, or ``millis``; ``None`` for those of OpenX.
    """

    is_case_insensitive: bool = True
    has_dots_for_underscores: bool = False
    keys: Mapping[str, str] | None = None
    timestamp_formats: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ParquetOptions:
    """How Parquet is written, in the words of pyarrow."""

    compression: str
    page_bytes: int
    uses_dictionary: bool
    page_version: str


@dataclass(frozen=True)
class Conversion:
    """From JSON to Parquet."""

    table: TableReference
    serde: JsonSerDe
    parquet: ParquetOptions


def read(configuration: Mapping[str, Any]) -> Conversion | None:
    """Read a DataFormatConversionConfiguration; one that is not enabled is none.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` for what AWS refuses and for what is not done here, by name.
    """
    if not configuration or not configuration.get("Enabled", True):
        return None
    for part in ("SchemaConfiguration", "InputFormatConfiguration", "OutputFormatConfiguration"):
        if part not in configuration:
            raise _refusal(f"{part} is needed when data format conversion is enabled")
    return Conversion(
        _table(configuration["SchemaConfiguration"]),
        _serde(configuration["InputFormatConfiguration"].get("Deserializer", {})),
        _parquet(configuration["OutputFormatConfiguration"].get("Serializer", {})),
    )


def _table(schema: Mapping[str, str]) -> TableReference:
    for name in ("DatabaseName", "TableName", "RoleARN"):
        if name not in schema:
            raise _refusal(f"SchemaConfiguration needs {name}")
    return TableReference(
        database=schema["DatabaseName"],
        table=schema["TableName"],
        version=schema.get("VersionId", LATEST),
        region=schema.get("Region", ""),
        catalog_id=schema.get("CatalogId", ""),
    )


def _serde(deserializer: Mapping[str, Any]) -> JsonSerDe:
    if len(deserializer) != 1:
        raise _refusal("InputFormatConfiguration needs one Deserializer: OpenXJsonSerDe or HiveJsonSerDe")
    [(name, options)] = deserializer.items()
    if name == "HiveJsonSerDe":
        formats = tuple(options.get("TimestampFormats", ()))
        for pattern in formats:
            timestamps.check_format(pattern)
        return JsonSerDe(timestamp_formats=formats)
    return JsonSerDe(
        is_case_insensitive=options.get("CaseInsensitive", True),
        has_dots_for_underscores=options.get("ConvertDotsInJsonKeysToUnderscores", False),
        keys=options.get("ColumnToJsonKeyMappings"),
    )


def _parquet(serializer: Mapping[str, Any]) -> ParquetOptions:
    if "OrcSerDe" in serializer:
        raise _refusal("Local AWS does not do OrcSerDe; see docs/local-aws.md")
    if "ParquetSerDe" not in serializer:
        raise _refusal("OutputFormatConfiguration needs the Serializer ParquetSerDe")
    options = serializer["ParquetSerDe"]
    compression = options.get("Compression", "SNAPPY")
    return ParquetOptions(
        compression="NONE" if compression == "UNCOMPRESSED" else compression,
        page_bytes=options.get("PageSizeBytes", _DEFAULT_PAGE_BYTES),
        uses_dictionary=options.get("EnableDictionaryCompression", True),
        page_version=_PARQUET_VERSIONS[options.get("WriterVersion", "V1")],
    )


def _refusal(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
