"""The Firehose API: streams that deliver directly put records to S3."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from localaws.firehose import destination
from localaws.firehose.delivery import Delivery
from localaws.firehose.spool import Record
from localaws.firehose.stream import Stream
from localaws.service import AwsError, Context, Payload
from localaws.validation import validated

_DESTINATION_ID = "destinationId-000000000001"
_MAX_BATCH_BYTES = 4 * 1024 * 1024
_UNAVAILABLE = "ServiceUnavailableException"
_SLOW_DOWN = "Slow down."
_DIRECT = "DirectPut"


class FirehoseService:
    """Firehose, with the destination extended S3 and the source direct put."""

    target_prefix = "Firehose_20150804"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.data_dir / "firehose"
        self._streams: dict[str, Stream] = {}
        self._lock = threading.Lock()
        self._delivery = Delivery(context, self._all_streams)
        self.operations = validated(
            "firehose",
            {
                "CreateDeliveryStream": self.create,
                "DeleteDeliveryStream": self.delete,
                "DescribeDeliveryStream": self.describe,
                "ListDeliveryStreams": self.list_streams,
                "ListTagsForDeliveryStream": self.list_tags,
                "PutRecord": self.put_record,
                "PutRecordBatch": self.put_record_batch,
                "TagDeliveryStream": self.tag,
                "UntagDeliveryStream": self.untag,
                "UpdateDestination": self.update_destination,
            },
        )

    def start(self) -> None:
        """Take over the streams of an earlier process, with what they had not delivered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in sorted(self._folder.iterdir()):
            stream = Stream.found_in(folder)
            if stream.is_retired:
                self._delivery.retire(stream)
            else:
                self._streams[stream.name] = stream
        self._delivery.start()

    def stop(self) -> None:
        """Deliver all buffers."""
        self._delivery.stop()

    def create(self, payload: Payload) -> Payload:
        """CreateDeliveryStream: the stream is active at once."""
        name = payload["DeliveryStreamName"]
        _refuse_other_sources(payload)
        configuration = payload.get("ExtendedS3DestinationConfiguration") or payload.get(
            "S3DestinationConfiguration"
        )
        if configuration is None:
            raise _refusal("a destination other than ExtendedS3DestinationConfiguration")
        now = self._context.clock.now().timestamp()
        state = {
            "name": name,
            "arn": self._arn(name),
            "version": 1,
            "created_at": now,
            "updated_at": now,
            "tags": {tag["Key"]: tag.get("Value", "") for tag in payload.get("Tags", [])},
            "destination": destination.complete(configuration),
        }
        with self._lock:
            if name in self._streams:
                message = f"Firehose {name} under accountId {self._context.account_id} already exists"
                raise AwsError("ResourceInUseException", message)
            # Read before anything is on disk, so that a refused stream leaves no trace.
            destination.read(state["destination"])
            self._streams[name] = Stream(self._stream_folder(name), state)
        return {"DeliveryStreamARN": state["arn"]}

    def delete(self, payload: Payload) -> Payload:
        """DeleteDeliveryStream: what can be delivered still is, after the answer."""
        stream = self._stream(payload)
        with self._lock:
            del self._streams[stream.name]
        stream.retire()
        self._delivery.retire(stream)
        return {}

    def describe(self, payload: Payload) -> Payload:
        """DescribeDeliveryStream."""
        state = self._stream(payload).state
        extended = state["destination"]
        plain = {key: extended[key] for key in _PLAIN_FIELDS & extended.keys()}
        return {
            "DeliveryStreamDescription": {
                "DeliveryStreamName": state["name"],
                "DeliveryStreamARN": state["arn"],
                "DeliveryStreamStatus": "ACTIVE",
                "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
                "DeliveryStreamType": _DIRECT,
                "VersionId": str(state["version"]),
                "CreateTimestamp": state["created_at"],
                "LastUpdateTimestamp": state["updated_at"],
                "Destinations": [
                    {
                        "DestinationId": _DESTINATION_ID,
                        "S3DestinationDescription": plain,
                        "ExtendedS3DestinationDescription": extended,
                    }
                ],
                "HasMoreDestinations": False,
            }
        }

    def list_streams(self, payload: Payload) -> Payload:
        """ListDeliveryStreams, in the order of names."""
        after = payload.get("ExclusiveStartDeliveryStreamName", "")
        limit = payload.get("Limit", 10)
        wanted_type = payload.get("DeliveryStreamType", _DIRECT)
        names = [
            stream.name
            for stream in self._all_streams()
            if stream.name > after and wanted_type == "DirectPut"
        ]
        return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}

    def update_destination(self, payload: Payload) -> Payload:
        """UpdateDestination: compares the version and counts it up."""
        stream = self._stream(payload)
        if payload["DestinationId"] != _DESTINATION_ID:
            raise AwsError("InvalidArgumentException", f"Destination Id {payload['DestinationId']} not found")
        update = _first_of(payload, "ExtendedS3DestinationUpdate", "S3DestinationUpdate")
        with self._lock:
            wanted = payload["CurrentDeliveryStreamVersionId"]
            if wanted != stream.version:
                message = f"the stream's version is {stream.version}, not {wanted}"
                raise AwsError("ConcurrentModificationException", message)
            merged = destination.complete({**stream.state["destination"], **update})
            stream.reconfigure(merged, self._context.clock.now())
        return {}

    def put_record(self, payload: Payload) -> Payload:
        """PutRecord."""
        stream = self._stream(payload)
        if self._context.faults.strikes("firehose.PutRecord"):
            raise AwsError(_UNAVAILABLE, _SLOW_DOWN, 503)
        self._append(stream, [_record(payload["Record"], self._context.clock.now())])
        return {"RecordId": _record_id(), "Encrypted": False}

    def put_record_batch(self, payload: Payload) -> Payload:
        """PutRecordBatch: a record that fails by a wanted fault is not buffered, all others are."""
        stream = self._stream(payload)
        now = self._context.clock.now()
        records = [_record(item, now) for item in payload["Records"]]
        if sum(len(record.data) for record in records) > _MAX_BATCH_BYTES:
            raise AwsError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        accepted: list[Record] = []
        answers: list[dict[str, str]] = []
        for record in records:
            if self._context.faults.strikes("firehose.PutRecordBatch"):
                answers.append({"ErrorCode": _UNAVAILABLE, "ErrorMessage": _SLOW_DOWN})
            else:
                accepted.append(record)
                answers.append({"RecordId": _record_id()})
        self._append(stream, accepted)
        failed = len(records) - len(accepted)
        return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": answers}

    def list_tags(self, payload: Payload) -> Payload:
        """ListTagsForDeliveryStream."""
        tags = self._stream(payload).tags
        limit = payload.get("Limit", 50)
        keys = [key for key in sorted(tags) if key > payload.get("ExclusiveStartTagKey", "")]
        shown = [{"Key": key, "Value": tags[key]} for key in keys[:limit]]
        return {"Tags": shown, "HasMoreTags": len(keys) > limit}

    def tag(self, payload: Payload) -> Payload:
        """TagDeliveryStream."""
        stream = self._stream(payload)
        stream.set_tags({**stream.tags, **{tag["Key"]: tag.get("Value", "") for tag in payload["Tags"]}})
        return {}

    def untag(self, payload: Payload) -> Payload:
        """UntagDeliveryStream."""
        stream = self._stream(payload)
        stream.set_tags({key: value for key, value in stream.tags.items() if key not in payload["TagKeys"]})
        return {}

    def _append(self, stream: Stream, records: list[Record]) -> None:
        if stream.append(records):
            self._delivery.wake()

    def _all_streams(self) -> list[Stream]:
        with self._lock:
            return [self._streams[name] for name in sorted(self._streams)]

    def _stream(self, payload: dict[str, Any]) -> Stream:
        name = payload["DeliveryStreamName"]
        stream = self._streams.get(name)
        if stream is None:
            message = f"Firehose {name} under account {self._context.account_id} not found."
            raise AwsError("ResourceNotFoundException", message)
        return stream

    def _stream_folder(self, name: str) -> Path:
        # A stream may be made anew while its deleted predecessor is still being delivered.
        return self._folder / f"stream={name}={uuid.uuid4().hex}"

    def _arn(self, name: str) -> str:
        return f"arn:aws:firehose:{self._context.region}:{self._context.account_id}:deliverystream/{name}"


_PLAIN_FIELDS = frozenset(
    {
        "RoleARN",
        "BucketARN",
        "Prefix",
        "ErrorOutputPrefix",
        "BufferingHints",
        "CompressionFormat",
        "EncryptionConfiguration",
        "CloudWatchLoggingOptions",
    }
)


def _refuse_other_sources(payload: Payload) -> None:
    kind = payload.get("DeliveryStreamType", _DIRECT)
    if kind != _DIRECT:
        raise _refusal(f"DeliveryStreamType {kind}")
    if payload.get("DeliveryStreamEncryptionConfigurationInput") is not None:
        raise _refusal("DeliveryStreamEncryptionConfigurationInput")


def _first_of(payload: Payload, *names: str) -> dict[str, Any]:
    for name in names:
        if payload.get(name) is not None:
            configuration: dict[str, Any] = payload[name]
            return configuration
    raise _refusal(f"a destination other than {names[0]}")


def _refusal(what: str) -> AwsError:
    return AwsError("InvalidArgumentException", f"Local AWS does not do {what}; see docs/local-aws.md")


def _record(item: dict[str, str], now: datetime) -> Record:
    try:
        return Record(now, base64.b64decode(item["Data"], validate=True))
    except binascii.Error as error:
        raise AwsError("SerializationException", f"Data is not base64: {error}") from error


def _record_id() -> str:
    return secrets.token_hex(64)
