"""What a spool becomes in S3: objects of data, of failures, and of the backup."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from localaws import base
from localaws.firehose import naming, partitioning
from localaws.firehose.conversion import Conversion
from localaws.firehose.destination import S3Target
from localaws.firehose.items import Failure, Item, Stage, run_stages
from localaws.firehose.spool import Spool
from localaws.firehose.stream import Stream, Waiting
from localaws.firehose.transform import Transformer
from localaws.glue.service import Catalog
from localaws.service import AwsError, Context
from localaws.storage import LakeStorage

if TYPE_CHECKING:
    from localaws.firehose.parquet import ParquetConverter

_OCTETS = "application/octet-stream"


class ObjectWriter:
    """Writes the objects that AWS would write.

    Parameters
    ----------
    context
        Clock, account and region.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._storage = LakeStorage(context.account_id)
        self._catalog = Catalog(context)

    def close(self) -> None:
        """Close the catalog's file."""
        self._catalog.close()

    def write(self, stream: Stream, waiting: Waiting) -> None:
        """Write everything that a spool holds; once more, it writes the same keys.

        Raises
        ------
        AwsError
            S3's refusal, or that the table of a conversion is not there.
        """
        if waiting.spool.oldest is None:
            return
        if not waiting.buffer.is_backup:
            self._write_records(stream, waiting.spool)
        elif stream.destination.backup is not None:
            target = stream.destination.backup
            body = b"".join(record.data for record in waiting.spool.records())
            name = _Name(stream, target, waiting.spool.oldest, waiting.spool.unique)
            self._put(target, name.data(), body, target.gzip)

    def check_table(self, conversion: Conversion) -> None:
        """Refuse a conversion whose table is not there.

        Raises
        ------
        AwsError
            ``InvalidArgumentException``.
        """
        try:
            self._converter(conversion)
        except AwsError as error:
            raise AwsError("InvalidArgumentException", f"{error.code}: {error.message}") from error

    def _write_records(self, stream: Stream, spool: Spool) -> None:
        destination = stream.destination
        items, failures = run_stages(self._stages(stream), spool.records())
        groups, without_keys = partitioning.grouped(items, destination.partition_names)
        failures += without_keys
        conversion = destination.conversion
        converter = None if conversion is None else self._converter(conversion)
        for group in groups:
            name = _Name.of(stream, spool, group)
            if converter is None:
                delimiter = destination.processing.delimiter
                body = b"".join(item.data + delimiter for item in group)
                self._put(name.target, name.data(), body, name.target.gzip)
            else:
                body, unconverted = converter.convert(group)
                failures += unconverted
                if body:
                    self._put(name.target, name.data(), body, is_gzip=False)
        by_kind = attrgetter("kind")
        for kind, failed in groupby(sorted(failures, key=by_kind), key=by_kind):
            self._write_failures(stream, spool, kind, list(failed))

    def _write_failures(self, stream: Stream, spool: Spool, kind: str, failures: list[Failure]) -> None:
        now, target = self._context.clock.now(), stream.destination.target
        body = b"".join(failure.as_line(now) for failure in failures)
        oldest = min(failure.source.arrived_at for failure in failures)
        self._put(target, _Name(stream, target, oldest, spool.unique, kind).failed(), body, is_gzip=False)

    def _put(self, target: S3Target, key: str, body: bytes, is_gzip: bool) -> None:
        headers = {"content-type": _OCTETS}
        if is_gzip:
            body = gzip.compress(body, mtime=0)
            headers["content-encoding"] = "gzip"
        self._storage.put(target.bucket, key, body, headers)

    def _stages(self, stream: Stream) -> list[Stage]:
        processing = stream.destination.processing
        function = None
        if processing.function is not None:
            arn, region = stream.state["arn"], self._context.region
            function = Transformer(processing.function, arn, region, invoke_function)
        stages = (processing.deaggregation, function, processing.extraction)
        return [stage for stage in stages if stage is not None]

    def _converter(self, conversion: Conversion) -> ParquetConverter:
        # Imported here: pyarrow is large, and most streams convert nothing.
        from localaws.firehose import parquet

        return parquet.ParquetConverter(conversion, self._catalog.call)


@dataclass(frozen=True)
class _Name:
    """The name of one object.

    Parameters
    ----------
    stream, target
        Whose object it is, and where it goes.
    arrived_at
        Arrival of its oldest record.
    unique
        What tells it from all others, the same when a delivery is tried again.
    error_type, keys
        What the prefix may ask for.
    """

    stream: Stream
    target: S3Target
    arrived_at: datetime
    unique: str
    error_type: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, stream: Stream, spool: Spool, group: list[Item]) -> _Name:
        """Return the name for items with the same partition keys."""
        destination = stream.destination
        oldest = min(item.source.arrived_at for item in group)
        keys = {name: group[0].keys[name] for name in destination.partition_names}
        unique = spool.unique
        if keys:
            unique = str(uuid.uuid5(uuid.UUID(spool.unique), "\0".join(keys.values())))
        return cls(stream, destination.target, oldest, unique, keys=keys)

    def data(self) -> str:
        return self._key(self.target.prefix) + self.target.extension

    def failed(self) -> str:
        return self._key(self.target.error_prefix)

    def _key(self, prefix: str) -> str:
        oldest = self.arrived_at.astimezone(self.target.zone)
        surroundings = naming.Surroundings(oldest, self.unique, self.error_type, self.keys)
        suffix = naming.suffix(self.stream.name, self.stream.version, oldest, self.unique)
        return naming.evaluate(prefix, surroundings) + suffix


def invoke_function(arn: str, event: bytes) -> bytes:
    """Invoke a Lambda function.

    Raises
    ------
    AwsError
        With Firehose's own error code when the function is not there or failed.
    """
    status, headers, answer = base.invoke_lambda(arn, event)
    names = {name.lower(): value for name, value in headers.items()}
    if status == 404:
        raise AwsError("Lambda.ResourceNotFound", f"there is no function {arn}", 404)
    if status >= 300 or "x-amz-function-error" in names:
        raise AwsError("Lambda.FunctionError", f"{arn} answered {status}: {_reason(answer)}", 500)
    return answer


def _reason(answer: bytes) -> str:
    try:
        return str(json.loads(answer).get("errorMessage", answer.decode()))
    except (ValueError, AttributeError):
        return repr(answer[:200])
