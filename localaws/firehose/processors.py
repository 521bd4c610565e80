"""The processors of a stream, read from its configuration and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.firehose.deaggregation import DeAggregation
from localaws.firehose.partitioning import MetadataExtraction
from localaws.service import AwsError

_MEBIBYTE = 1024 * 1024
_REFUSED = frozenset({"Decompression", "CloudWatchLogProcessing"})
_LAMBDA_SIZES = (0.2, 3.0)
_MOST_RETRIES = 300


@dataclass(frozen=True)
class LambdaProcessor:
    """A Lambda function that transforms records, and how it is called."""

    arn: str
    batch_bytes: int
    retries: int


@dataclass(frozen=True)
class Processing:
    """What is done to records, in the order in which AWS does it.

    Parameters
    ----------
    deaggregation
        Splits records.
    function
        Transforms them.
    extraction
        Takes partition keys from them.
    delimiter
        What follows each record in an object.
    """

    deaggregation: DeAggregation | None = None
    function: LambdaProcessor | None = None
    extraction: MetadataExtraction | None = None
    delimiter: bytes = b""


def read(configuration: Mapping[str, Any], *, is_partitioned: bool) -> Processing:
    """Read a ProcessingConfiguration.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` for what AWS refuses and for what is not done here, by name.
    """
    if not configuration.get("Enabled", False):
        return Processing()
    found: dict[str, dict[str, str]] = {}
    for processor in configuration.get("Processors", []):
        kind = processor["Type"]
        if kind in _REFUSED:
            raise _refusal(f"Local AWS does not do processor {kind}; see docs/local-aws.md")
        if kind in found:
            raise _refusal(f"processor {kind} is configured twice")
        parameters = processor.get("Parameters", [])
        found[kind] = {item["ParameterName"]: item["ParameterValue"] for item in parameters}
    for kind in ("RecordDeAggregation", "MetadataExtraction"):
        if kind in found and not is_partitioned:
            raise _refusal(f"processor {kind} needs DynamicPartitioningConfiguration to be enabled")
    splitting, extracting = found.get("RecordDeAggregation"), found.get("MetadataExtraction")
    return Processing(
        deaggregation=None if splitting is None else DeAggregation.read(splitting),
        function=_function(found.get("Lambda")),
        extraction=None if extracting is None else MetadataExtraction(extracting),
        delimiter=_delimiter(found.get("AppendDelimiterToRecord")),
    )


def _delimiter(parameters: Mapping[str, str] | None) -> bytes:
    if parameters is None:
        return b""
    # The API takes the delimiter as two characters, backslash and n.
    return parameters.get("Delimiter", "\\n").replace("\\n", "\n").encode()


def _function(parameters: Mapping[str, str] | None) -> LambdaProcessor | None:
    if parameters is None:
        return None
    if "LambdaArn" not in parameters:
        raise _refusal("the Lambda processor needs the parameter LambdaArn")
    size = _number(parameters, "BufferSizeInMBs", "1")
    retries = _number(parameters, "NumberOfRetries", "3")
    low, high = _LAMBDA_SIZES
    if not low <= size <= high:
        raise _refusal(f"BufferSizeInMBs of the Lambda processor must be from {low} to {high}")
    if not 0 <= retries <= _MOST_RETRIES or retries != int(retries):
        raise _refusal(f"NumberOfRetries of the Lambda processor must be from 0 to {_MOST_RETRIES}")
    return LambdaProcessor(parameters["LambdaArn"], int(size * _MEBIBYTE), int(retries))


def _number(parameters: Mapping[str, str], name: str, default: str) -> float:
    text = parameters.get(name, default)
    try:
        return float(text)
    except ValueError as error:
        raise _refusal(f"{name} of the Lambda processor is {text!r}, which is no number") from error


def _refusal(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
