"""RecordDeAggregation: one record that carries several becomes as many."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from localaws.firehose.items import Failure, Item, Outcome
from localaws.firehose.spool import Record
from localaws.service import AwsError

_MOST_PARTS = 500
_FAILED = "DynamicPartitioning.RecordDeaggregationFailed"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class DeAggregation:
    """Splits records.

    Parameters
    ----------
    delimiter
        What stands between the parts; ``None`` for JSON values one after the other.
    """

    delimiter: bytes | None

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> DeAggregation:
        """Read the processor's parameters.

        Raises
        ------
        AwsError
            ``InvalidArgumentException`` when SubRecordType or Delimiter is missing or wrong.
        """
        kind = parameters.get("SubRecordType", "")
        if kind.upper() == "JSON":
            return cls(None)
        if kind.upper() != "DELIMITED":
            raise _refusal("RecordDeAggregation needs SubRecordType JSON or DELIMITED")
        try:
            delimiter = base64.b64decode(parameters.get("Delimiter", ""), validate=True)
        except binascii.Error as error:
            raise _refusal(f"Delimiter of RecordDeAggregation is not base64: {error}") from error
        if not delimiter:
            raise _refusal("RecordDeAggregation with SubRecordType DELIMITED needs a Delimiter in base64")
        return cls(delimiter)

    def __call__(self, items: Iterable[Item]) -> Iterator[Outcome]:
        """Split each record; one that cannot be split, or into too many, fails whole."""
        for item in items:
            try:
                parts = self._parts(item.data)
            except (ValueError, RecursionError) as error:
                yield Failure(item.source, _FAILED, str(error))
                continue
            arrived_at = item.source.arrived_at
            yield from (Item(Record(arrived_at, part), part, item.keys) for part in parts)

    def _parts(self, data: bytes) -> list[bytes]:
        if self.delimiter is None:
            parts = list(json_values(data.decode()))
        else:
            parts = [part for part in data.split(self.delimiter) if part]
        if len(parts) > _MOST_PARTS:
            raise ValueError(f"the record holds {len(parts)} records, more than {_MOST_PARTS}")
        return parts


def json_values(text: str) -> Iterator[bytes]:
    """Yield the JSON values that stand one after the other, each as it was written.

    Raises
    ------
    ValueError
        Where something is no JSON.
    """
    position = 0
    while position < len(text):
        if text[position] in " \t\r\n":
            position += 1
            continue
        _, end = _DECODER.raw_decode(text, position)
        yield text[position:end].encode()
        position = end


def _refusal(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
