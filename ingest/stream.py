"""The Firehose stream of a dataset, declared from its spec."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firelake import aws
from firelake.errors import FirelakeError
from firelake.layout import Lake, Zone
from firelake.spec import Dataset

if TYPE_CHECKING:
    from mypy_boto3_firehose.type_defs import (
        ExtendedS3DestinationConfigurationTypeDef,
        ProcessingConfigurationTypeDef,
        ProcessorParameterTypeDef,
    )

_READY_WITHIN_S = 120
_POLL_S = 0.5


@dataclass(frozen=True)
class Buffering:
    """When Firehose writes an object: at this size, or when its oldest record is this old."""

    size_mb: int = 5
    interval_s: int = 300


def stream_name(lake: Lake, dataset: Dataset) -> str:
    """Return the name of a dataset's stream."""
    return f"{lake.name}-{dataset.name}"


def declare(
    lake: Lake,
    dataset: Dataset,
    role_arn: str | None = None,
    buffering: Buffering | None = None,
    transform_arn: str | None = None,
) -> str:
    """Create the raw bucket and the dataset's stream where they are missing; return the stream's name.

    Parameters
    ----------
    lake, dataset
        Whose stream.
    role_arn
        The role in which Firehose writes; by default ``<lake>-firehose`` of account 000000000000,
        which AWS refuses by name.
    buffering
        When objects are written.
    transform_arn
        The Lambda function that records go through, if any.

    Raises
    ------
    LakeUnreachable
        If the endpoint does not answer or refuses.
    FirelakeError
        If a stream of that name delivers elsewhere, or does not become active.
    """
    wanted = _destination(lake, dataset, role_arn, buffering or Buffering())
    if transform_arn is not None:
        wanted["ProcessingConfiguration"] = _transform(transform_arn)
    aws.ensure_bucket(lake.bucket(Zone.RAW))
    name = stream_name(lake, dataset)
    firehose = aws.client("firehose")
    with aws.reaching(f"stream {name}"):
        try:
            firehose.create_delivery_stream(
                DeliveryStreamName=name,
                DeliveryStreamType="DirectPut",
                ExtendedS3DestinationConfiguration=wanted,
            )
        except firehose.exceptions.ResourceInUseException:
            _check_destination(name, wanted)
        _wait_until_active(name)
    return name


def _destination(
    lake: Lake, dataset: Dataset, role_arn: str | None, buffering: Buffering
) -> ExtendedS3DestinationConfigurationTypeDef:
    destination: ExtendedS3DestinationConfigurationTypeDef = {
        "RoleARN": role_arn or f"arn:aws:iam::000000000000:role/{lake.name}-firehose",
        "BucketARN": f"arn:aws:s3:::{lake.bucket(Zone.RAW)}",
        "Prefix": dataset.raw.prefix,
        "CompressionFormat": "GZIP",
        "BufferingHints": {"SizeInMBs": buffering.size_mb, "IntervalInSeconds": buffering.interval_s},
    }
    if dataset.raw.error_prefix is not None:
        destination["ErrorOutputPrefix"] = f"{dataset.raw.error_prefix}!{{firehose:error-output-type}}/"
    return destination


def _transform(arn: str) -> ProcessingConfigurationTypeDef:
    parameter: ProcessorParameterTypeDef = {"ParameterName": "LambdaArn", "ParameterValue": arn}
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": [parameter]}]}


def _transform_arn(processing: Mapping[str, Any]) -> str | None:
    for processor in processing.get("Processors", []) if processing.get("Enabled") else []:
        for parameter in processor.get("Parameters", []):
            if parameter["ParameterName"] == "LambdaArn":
                return str(parameter["ParameterValue"])
    return None


def _check_destination(name: str, wanted: ExtendedS3DestinationConfigurationTypeDef) -> None:
    described = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=name)
    destinations = described["DeliveryStreamDescription"]["Destinations"]
    actual = destinations[0].get("ExtendedS3DestinationDescription", {}) if destinations else {}
    for key in ("BucketARN", "Prefix", "ErrorOutputPrefix", "CompressionFormat"):
        if actual.get(key) != wanted.get(key):
            raise FirelakeError(
                f"stream {name} exists with {key} {actual.get(key)!r}, but the spec says "
                f"{wanted.get(key)!r}; correct raw: in the spec, or update or delete the stream"
            )
    through = _transform_arn(actual.get("ProcessingConfiguration", {}))
    if through != (asked := _transform_arn(wanted.get("ProcessingConfiguration", {}))):
        raise FirelakeError(
            f"stream {name} exists with the transform {through}, not {asked}; "
            "correct --transform-arn, or update or delete the stream"
        )


def _wait_until_active(name: str) -> None:
    give_up_at = time.monotonic() + _READY_WITHIN_S
    while True:
        described = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=name)
        status = described["DeliveryStreamDescription"]["DeliveryStreamStatus"]
        if status == "ACTIVE":
            return
        if status != "CREATING" or time.monotonic() > give_up_at:
            raise FirelakeError(f"stream {name} is {status}, not ACTIVE; look at its events in Firehose")
        time.sleep(_POLL_S)
