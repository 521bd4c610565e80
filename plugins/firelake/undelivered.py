"""Records that Firehose could not deliver and filed under its error prefix: shown, and put back into raw.

A replay writes one raw object for each error object, under the time of its oldest record and a name
that follows from the error object's: however often it is replayed, it lies in raw once. From there
its records are accounted for as all others are, trusted or in quarantine with a reason.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from firelake.errors import FirelakeError
from firelake.layout import Lake, Zone, uri
from firelake.outcome import Outcome
from firelake.periods import Period, PeriodRange
from firelake.raw.codecs import decode
from firelake.raw.keys import KeyLayout
from firelake.spec import Dataset
from firelake.storage import Bucket

_MAX_BYTES = 1 << 30
_STREAM = "replayed"


@dataclass(frozen=True)
class Undelivered:
    """One record as it came to Firehose, and why it was not delivered."""

    arrived_at: datetime
    code: str
    message: str
    data: bytes


@dataclass(frozen=True)
class ErrorObject:
    """One object under the error prefix.

    Parameters
    ----------
    raw_key
        Where its records lie in raw once it is replayed.
    """

    key: str
    records: tuple[Undelivered, ...]
    period: Period
    raw_key: str


class Failed(Outcome):
    """Undelivered records of one arrival period and error code."""

    arrival_period: str
    code: str
    records: int
    replayed: int
    objects: int


class Replayed(Outcome):
    """An error object whose records lie in raw.

    Parameters
    ----------
    anew
        Whether this replay put them there, and not an earlier one.
    """

    error_object: str
    raw_object: str
    arrival_period: str
    records: int
    anew: bool


class ErrorPrefix:
    """What Firehose filed under a dataset's error prefix.

    Raises
    ------
    FirelakeError
        If the spec declares no error prefix.
    """

    def __init__(self, lake: Lake, dataset: Dataset) -> None:
        raw = dataset.raw
        if raw.error_prefix is None:
            raise FirelakeError(
                f"{dataset.name}: the spec says nothing of failed records; declare raw.error_prefix"
            )
        self._prefix = raw.error_prefix
        self._layout = KeyLayout(raw.prefix, raw.zone, (raw.error_prefix,))
        self._grain = raw.arrival_period
        self._bucket = Bucket(lake.bucket(Zone.RAW))

    def objects(self, arrival: PeriodRange | None, key: str | None = None) -> Iterator[ErrorObject]:
        """Yield the error objects, in order of their keys.

        Parameters
        ----------
        arrival
            Only those whose oldest record arrived then.
        key
            Only this one.

        Raises
        ------
        FirelakeError
            If an object holds something else than Firehose writes there.
        """
        for info in self._bucket.list(self._prefix.partition("!{")[0]):
            if self._layout.is_data(info.key) or key not in (None, info.key):
                continue
            found = self._read(info.key)
            if arrival is None or arrival.start <= found.period.start < arrival.end:
                yield found

    def is_replayed(self, found: ErrorObject) -> bool:
        """Tell whether an error object's records lie in raw already."""
        return any(info.key == found.raw_key for info in self._bucket.list(found.raw_key))

    def replay(self, found: ErrorObject) -> Replayed:
        """Put an error object's records into raw, as they came, unless they lie there already."""
        anew = not self.is_replayed(found)
        if anew:
            # A broken record must not run into the next one.
            body = b"\n".join(record.data for record in found.records) + b"\n"
            self._bucket.write(found.raw_key, gzip.compress(body, mtime=0))
        return Replayed(
            error_object=found.key,
            raw_object=found.raw_key,
            arrival_period=found.period.key,
            records=len(found.records),
            anew=anew,
        )

    def _read(self, key: str) -> ErrorObject:
        address = uri(self._bucket.name, key)
        decoded = decode(self._bucket.read(key), _MAX_BYTES)
        lines = decoded.data.splitlines()
        if decoded.damage is not None or not lines:
            raise FirelakeError(f"{address}: {decoded.damage or 'empty'}; no error object of Firehose")
        records = tuple(_parsed(line, f"{address}:{number}") for number, line in enumerate(lines, start=1))
        arrived_at = min(record.arrived_at for record in records)
        raw_key = self._layout.key(arrived_at, _STREAM, uuid5(NAMESPACE_URL, address)) + ".gz"
        return ErrorObject(key, records, Period.containing(arrived_at, self._grain), raw_key)


def count_failed(prefix: ErrorPrefix, arrival: PeriodRange | None) -> tuple[Failed, ...]:
    """Count undelivered records by arrival period and error code."""
    records: Counter[tuple[str, str]] = Counter()
    replayed: Counter[tuple[str, str]] = Counter()
    objects: Counter[tuple[str, str]] = Counter()
    for found in prefix.objects(arrival):
        codes = Counter((found.period.key, record.code) for record in found.records)
        records += codes
        objects.update(codes.keys())
        if prefix.is_replayed(found):
            replayed += codes
    return tuple(
        Failed(
            arrival_period=group[0],
            code=group[1],
            records=number,
            replayed=replayed[group],
            objects=objects[group],
        )
        for group, number in sorted(records.items())
    )


def _parsed(line: bytes, place: str) -> Undelivered:
    """Read one line of an error object; what failed where decides how AWS writes its keys."""
    try:
        fields = {key.lower(): value for key, value in json.loads(line).items()}
        return Undelivered(
            arrived_at=datetime.fromtimestamp(fields["arrivaltimestamp"] / 1000, UTC),
            code=str(fields["errorcode"] if "errorcode" in fields else fields["lasterrorcode"]),
            message=str(fields.get("errormessage", fields.get("lasterrormessage", ""))),
            data=base64.b64decode(fields["rawdata"], validate=True),
        )
    except (ValueError, AttributeError, KeyError, TypeError, OverflowError) as error:
        raise FirelakeError(
            f"{place}: no error record of Firehose ({type(error).__name__}: {error}); move the object away"
        ) from error
