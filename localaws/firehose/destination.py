"""What a stream's extended S3 destination says, read once and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from localaws.firehose import naming
from localaws.service import AwsError

_MEBIBYTE = 1024 * 1024
_DEFAULT_HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}
_REFUSED_PROCESSORS = frozenset(
    {"RecordDeAggregation", "Decompression", "CloudWatchLogProcessing", "MetadataExtraction"}
)


@dataclass(frozen=True)
class LambdaProcessor:
    """A Lambda function that transforms records, and how it is called."""

    arn: str
    batch_bytes: int
    retries: int


@dataclass(frozen=True)
class S3Destination:
    """Where and how a stream delivers.

    Parameters
    ----------
    bucket
        The bucket's name.
    prefix, error_prefix
        Prefixes with all their expressions, to be evaluated at delivery.
    buffer_bytes, buffer_s
        A buffer is delivered when it holds so much or its oldest record is so old.
    gzip
        Whether objects are compressed.
    extension
        What the key ends with.
    zone
        The time zone of the times in the key.
    delimiter
        What follows each record: nothing, unless AppendDelimiterToRecord is configured.
    processor
        The Lambda function that records go through, if any.
    """

    bucket: str
    prefix: str
    error_prefix: str
    buffer_bytes: int
    buffer_s: int
    gzip: bool
    extension: str
    zone: ZoneInfo
    delimiter: bytes
    processor: LambdaProcessor | None


def complete(configuration: dict[str, Any]) -> dict[str, Any]:
    """Fill in the defaults that AWS describes a destination with."""
    hints = {**_DEFAULT_HINTS, **configuration.get("BufferingHints", {})}
    defaults = {
        "Prefix": "",
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
        "ProcessingConfiguration": {"Enabled": False, "Processors": []},
        "S3BackupMode": "Disabled",
    }
    return {**defaults, **configuration, "BufferingHints": hints}


def read(configuration: dict[str, Any]) -> S3Destination:
    """Read a completed configuration.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` for what AWS refuses and for what is not done here, by name.
    """
    _refuse_unsupported(configuration)
    prefix, error_prefix = configuration["Prefix"], configuration.get("ErrorOutputPrefix", "")
    naming.check_prefixes(prefix, error_prefix)
    gzip = configuration["CompressionFormat"] == "GZIP"
    hints = configuration["BufferingHints"]
    processors = _processors(configuration)
    return S3Destination(
        bucket=configuration["BucketARN"].rpartition(":::")[2],
        prefix=naming.data_prefix(prefix),
        error_prefix=naming.failure_prefix(prefix, error_prefix),
        buffer_bytes=hints["SizeInMBs"] * _MEBIBYTE,
        buffer_s=hints["IntervalInSeconds"],
        gzip=gzip,
        extension=configuration.get("FileExtension") or (".gz" if gzip else ""),
        zone=_zone(configuration.get("CustomTimeZone") or "UTC"),
        delimiter=_delimiter(processors),
        processor=_lambda_processor(processors),
    )


def _refuse_unsupported(configuration: dict[str, Any]) -> None:
    if configuration["CompressionFormat"] not in ("UNCOMPRESSED", "GZIP"):
        raise _refusal(f"CompressionFormat {configuration['CompressionFormat']}")
    if configuration.get("DataFormatConversionConfiguration", {}).get("Enabled", False):
        raise _refusal("DataFormatConversionConfiguration")
    if configuration.get("DynamicPartitioningConfiguration", {}).get("Enabled", False):
        raise _refusal("DynamicPartitioningConfiguration")
    if configuration["S3BackupMode"] == "Enabled":
        raise _refusal("S3BackupMode Enabled")


def _processors(configuration: dict[str, Any]) -> dict[str, dict[str, str]]:
    processing = configuration["ProcessingConfiguration"]
    if not processing.get("Enabled", False):
        return {}
    found: dict[str, dict[str, str]] = {}
    for processor in processing.get("Processors", []):
        if processor["Type"] in _REFUSED_PROCESSORS:
            raise _refusal(f"processor {processor['Type']}")
        parameters = processor.get("Parameters", [])
        found[processor["Type"]] = {item["ParameterName"]: item["ParameterValue"] for item in parameters}
    return found


def _delimiter(processors: dict[str, dict[str, str]]) -> bytes:
    if "AppendDelimiterToRecord" not in processors:
        return b""
    written = processors["AppendDelimiterToRecord"].get("Delimiter", "\\n")
    # The API takes the delimiter as two characters, backslash and n.
    return written.replace("\\n", "\n").encode()


def _lambda_processor(processors: dict[str, dict[str, str]]) -> LambdaProcessor | None:
    if "Lambda" not in processors:
        return None
    parameters = processors["Lambda"]
    if "LambdaArn" not in parameters:
        raise AwsError("InvalidArgumentException", "the Lambda processor needs the parameter LambdaArn")
    return LambdaProcessor(
        arn=parameters["LambdaArn"],
        batch_bytes=int(float(parameters.get("BufferSizeInMBs", "1")) * _MEBIBYTE),
        retries=int(parameters.get("NumberOfRetries", "3")),
    )


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise AwsError("InvalidArgumentException", f"CustomTimeZone {name!r} is no time zone")
    return ZoneInfo(name)


def _refusal(what: str) -> AwsError:
    return AwsError("InvalidArgumentException", f"Local AWS does not do {what}; see docs/local-aws.md")
