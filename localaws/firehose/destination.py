"""What a stream's extended S3 destination says, read once and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from localaws.firehose import conversion, naming, processors
from localaws.firehose.conversion import Conversion
from localaws.firehose.processors import Processing
from localaws.service import AwsError

_MEBIBYTE = 1024 * 1024
_DEFAULT_HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}
_LARGE_HINTS = {"SizeInMBs": 128, "IntervalInSeconds": 300}
_LARGE_MB = 64
_PARTITIONED_S = 60


@dataclass(frozen=True)
class S3Target:
    """Where objects go, when, and under which names.

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
    """

    bucket: str
    prefix: str
    error_prefix: str
    buffer_bytes: int
    buffer_s: int
    gzip: bool
    extension: str
    zone: ZoneInfo


@dataclass(frozen=True)
class S3Destination:
    """Where and how a stream delivers.

    Parameters
    ----------
    target
        Where its records go.
    backup
        Where they go as well, as they came in.
    processing
        What is done to them before.
    partition_names
        The partition keys of the prefix; none without dynamic partitioning.
    conversion
        How they become Parquet, if they do.
    """

    target: S3Target
    backup: S3Target | None
    processing: Processing
    partition_names: tuple[str, ...]
    conversion: Conversion | None


def complete(configuration: dict[str, Any]) -> dict[str, Any]:
    """Fill in the defaults that AWS describes a destination with."""
    is_large = _is_enabled(configuration, "DataFormatConversionConfiguration") or _is_enabled(
        configuration, "DynamicPartitioningConfiguration"
    )
    defaults = {
        "ProcessingConfiguration": {"Enabled": False, "Processors": []},
        "S3BackupMode": "Disabled",
    }
    completed = {**defaults, **_plain(configuration, _LARGE_HINTS if is_large else _DEFAULT_HINTS)}
    for given, described in (
        ("S3BackupConfiguration", "S3BackupDescription"),
        ("S3BackupUpdate", "S3BackupDescription"),
    ):
        if given in completed:
            update = completed.pop(given)
            completed[described] = _plain({**completed.get(described, {}), **update}, _DEFAULT_HINTS)
    return completed


def _plain(configuration: dict[str, Any], default_hints: dict[str, int]) -> dict[str, Any]:
    defaults = {
        "Prefix": "",
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }
    hints = {**default_hints, **configuration.get("BufferingHints", {})}
    return {**defaults, **configuration, "BufferingHints": hints}


def read(configuration: dict[str, Any]) -> S3Destination:
    """Read a completed configuration.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` for what AWS refuses and for what is not done here, by name.
    """
    is_partitioned = _is_enabled(configuration, "DynamicPartitioningConfiguration")
    _check_large_buffers(configuration, is_partitioned=is_partitioned)
    converted = conversion.read(configuration.get("DataFormatConversionConfiguration", {}))
    target = _target(configuration, ".parquet" if converted else "", is_partitioned=is_partitioned)
    if converted is not None and target.gzip:
        raise _refusal("CompressionFormat must be UNCOMPRESSED when data format conversion is enabled")
    return S3Destination(
        target=target,
        backup=_backup(configuration),
        processing=processors.read(configuration["ProcessingConfiguration"], is_partitioned=is_partitioned),
        partition_names=naming.partition_keys(target.prefix),
        conversion=converted,
    )


def _target(configuration: dict[str, Any], extension: str, *, is_partitioned: bool = False) -> S3Target:
    if configuration["CompressionFormat"] not in ("UNCOMPRESSED", "GZIP"):
        what = configuration["CompressionFormat"]
        raise _refusal(f"Local AWS does not do CompressionFormat {what}; see docs/local-aws.md")
    prefix, error_prefix = configuration["Prefix"], configuration.get("ErrorOutputPrefix", "")
    naming.check_prefixes(prefix, error_prefix, is_partitioned=is_partitioned)
    gzip = configuration["CompressionFormat"] == "GZIP"
    hints = configuration["BufferingHints"]
    return S3Target(
        bucket=configuration["BucketARN"].rpartition(":::")[2],
        prefix=naming.data_prefix(prefix),
        error_prefix=naming.failure_prefix(prefix, error_prefix),
        buffer_bytes=hints["SizeInMBs"] * _MEBIBYTE,
        buffer_s=hints["IntervalInSeconds"],
        gzip=gzip,
        extension=configuration.get("FileExtension") or (".gz" if gzip else extension),
        zone=_zone(configuration.get("CustomTimeZone") or "UTC"),
    )


def _backup(configuration: dict[str, Any]) -> S3Target | None:
    if configuration["S3BackupMode"] != "Enabled":
        return None
    if "S3BackupDescription" not in configuration:
        raise _refusal("S3BackupMode Enabled needs S3BackupConfiguration")
    return _target(configuration["S3BackupDescription"], "")


def _check_large_buffers(configuration: dict[str, Any], *, is_partitioned: bool) -> None:
    hints = configuration["BufferingHints"]
    features = {
        "data format conversion": _is_enabled(configuration, "DataFormatConversionConfiguration"),
        "dynamic partitioning": is_partitioned,
    }
    for feature, enabled in features.items():
        if enabled and hints["SizeInMBs"] < _LARGE_MB:
            raise _refusal(
                f"BufferingHints.SizeInMBs must be at least {_LARGE_MB} when {feature} is enabled."
            )
    if is_partitioned and hints["IntervalInSeconds"] < _PARTITIONED_S:
        raise _refusal(
            f"BufferingHints.IntervalInSeconds must be at least {_PARTITIONED_S} when dynamic partitioning"
            " is enabled."
        )


def _is_enabled(configuration: dict[str, Any], part: str) -> bool:
    """Tell whether a part is configured and enabled; only format conversion is when it does not say so."""
    is_default = part == "DataFormatConversionConfiguration"
    return part in configuration and bool(configuration[part].get("Enabled", is_default))


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise _refusal(f"CustomTimeZone {name!r} is no time zone")
    return ZoneInfo(name)


def _refusal(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
