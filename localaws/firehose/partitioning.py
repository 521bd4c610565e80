"""Dynamic partitioning: keys from jq queries, and one object for each evaluated prefix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jq
import orjson

from localaws.firehose.items import PARTITIONS, Failure, Item, Outcome
from localaws.service import AwsError

QUERY = "partitionKeyFromQuery"
LAMBDA = "partitionKeyFromLambda"
MOST_PARTITIONS = 500
FAILED = "DynamicPartitioning.MetadataExtractionFailed"
EXCEEDED = "DynamicPartitioning.ActivePartitionLimitExceeded"
EMPTY_KEY = "partitionKeys values must not be null or empty"
_ENGINE = "JQ-1.6"
# What of jq would look outside of the record.
_OUTSIDE = re.compile(r'\$ENV\b|(?<![.\w"$])(env|import|include|input_filename|get_search_list)\b(?!")')


class MetadataExtraction:
    """Takes partition keys from JSON records with a jq query.

    Parameters
    ----------
    parameters
        The processor's parameters.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` when a parameter is missing or the query is none.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        engine, query = parameters.get("JsonParsingEngine"), parameters.get("MetadataExtractionQuery")
        if engine != _ENGINE:
            raise _refusal(f"JsonParsingEngine must be {_ENGINE}")
        if not query:
            raise _refusal("MetadataExtraction needs the parameter MetadataExtractionQuery")
        if found := _OUTSIDE.search(query):
            raise _refusal(f"MetadataExtractionQuery may not use {found[0]}")
        try:
            self._program = jq.compile(query)
        except ValueError as error:
            raise _refusal(f"MetadataExtractionQuery {query!r} is no jq query: {error}") from error

    def __call__(self, items: Iterable[Item]) -> Iterator[Outcome]:
        """Add to each record the keys that the query finds in it."""
        for item in items:
            try:
                found = self._query(item.data)
                keys = {f"{QUERY}:{name}": key_text(value) for name, value in found.items()}
            except ValueError as error:
                yield Failure(item.source, FAILED, str(error))
            else:
                yield Item(item.source, item.data, {**item.keys, **keys})

    def _query(self, data: bytes) -> dict[str, Any]:
        try:
            orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ValueError("Non JSON record provided") from error
        found = next(iter(self._program.input_text(data.decode())), None)
        if not isinstance(found, dict):
            raise ValueError(f"the query gave {orjson.dumps(found).decode()}, not an object of keys")
        return found


def key_text(value: object) -> str:
    """Return the value of a partition key as it stands in a prefix.

    Raises
    ------
    ValueError
        When it is null, empty, or no single value.
    """
    if value is None or value == "":
        raise ValueError(EMPTY_KEY)
    if isinstance(value, dict | list):
        raise ValueError(f"partitionKeys values must be single values, not {orjson.dumps(value).decode()}")
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def grouped(items: Iterable[Item], names: tuple[str, ...]) -> tuple[list[list[Item]], list[Failure]]:
    """Put items with the same partition keys together, as many groups as there may be partitions.

    Parameters
    ----------
    items
        What is to be delivered.
    names
        The keys that the prefix asks for, with their namespace.
    """
    groups: dict[tuple[str, ...], list[Item]] = {}
    failures: list[Failure] = []
    for item in items:
        values = tuple(item.keys.get(name, "") for name in names)
        if not all(values):
            failures.append(Failure(item.source, FAILED, EMPTY_KEY))
        elif values not in groups and len(groups) == MOST_PARTITIONS:
            message = f"more than {MOST_PARTITIONS} partitions are active"
            failures.append(Failure(item.source, EXCEEDED, message, kind=PARTITIONS))
        else:
            groups.setdefault(values, []).append(item)
    return list(groups.values()), failures


def _refusal(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
