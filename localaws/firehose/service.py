"""The Firehose API: streams that deliver records, put directly or read from Kinesis, to S3."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

from localaws.firehose import destination
from localaws.firehose.delivery import Delivery
from localaws.firehose.ingest import Ingest, is_plain_batch
from localaws.firehose.kinesis_source import KinesisReader, start_source
from localaws.firehose.objects import ObjectWriter
from localaws.firehose.stream import Stream
from localaws.service import AwsError, Context, Payload
from localaws.validation import validated

_DESTINATION_ID = "destinationId-000000000001"
_DIRECT = "DirectPut"
_KINESIS = "KinesisStreamAsSource"


class FirehoseService:
    """Firehose, with the destination extended S3, and direct puts or Kinesis as source."""

    target_prefix = "Firehose_20150804"

    def __init__(self, context: Context) -> None:
        self.clock = context.clock
        self._context = context
        self._folder = context.data_dir / "firehose"
        self._streams: dict[str, Stream] = {}
        self._lock = threading.Lock()
        self._writer = ObjectWriter(context)
        self._delivery = Delivery(context, self._writer, self._all_streams)
        ingest = Ingest(context.clock, context.faults, self._direct_stream, self._delivery.wake)
        self._kinesis = KinesisReader(context.clock, self._all_streams, ingest.append)
        self.operations = validated(
            "firehose",
            {
                "CreateDeliveryStream": self.create,
                "DeleteDeliveryStream": self.delete,
                "DescribeDeliveryStream": self.describe,
                "ListDeliveryStreams": self.list_streams,
                "ListTagsForDeliveryStream": self.list_tags,
                "PutRecord": ingest.put_record,
                "PutRecordBatch": ingest.put_record_batch,
                "TagDeliveryStream": self.tag,
                "UntagDeliveryStream": self.untag,
                "UpdateDestination": self.update_destination,
            },
            plain={"PutRecordBatch": is_plain_batch},
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
        self._kinesis.start()

    def stop(self) -> None:
        """Read what is in Kinesis, and deliver all buffers."""
        self._kinesis.stop()
        self._delivery.stop()
        self._writer.close()

    def create(self, payload: Payload) -> Payload:
        """CreateDeliveryStream: the stream is active at once."""
        name = payload["DeliveryStreamName"]
        configuration = _first_of(payload, "ExtendedS3DestinationConfiguration", "S3DestinationConfiguration")
        now = self._context.clock.now().timestamp()
        state = {
            "name": name,
            "arn": self._arn(name),
            "version": 1,
            "created_at": now,
            "updated_at": now,
            "tags": {tag["Key"]: tag.get("Value", "") for tag in payload.get("Tags", [])},
            "destination": destination.complete(configuration),
            "kinesis_source": _source(payload),
        }
        # Read before anything is on disk, so that a refused stream leaves no trace.
        self._check(state["destination"])
        with self._lock:
            if name in self._streams:
                message = f"Firehose {name} under accountId {self._context.account_id} already exists"
                raise AwsError("ResourceInUseException", message)
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
        stream = self._stream(payload)
        state, extended = stream.state, stream.state["destination"]
        description = {
            "DeliveryStreamName": state["name"],
            "DeliveryStreamARN": state["arn"],
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
            "DeliveryStreamType": _type_of(stream),
            "VersionId": str(state["version"]),
            "CreateTimestamp": state["created_at"],
            "LastUpdateTimestamp": state["updated_at"],
            "Destinations": [
                {
                    "DestinationId": _DESTINATION_ID,
                    "S3DestinationDescription": {
                        key: extended[key] for key in _PLAIN_FIELDS & extended.keys()
                    },
                    "ExtendedS3DestinationDescription": extended,
                }
            ],
            "HasMoreDestinations": False,
        }
        if stream.kinesis_source is not None:
            description["Source"] = {"KinesisStreamSourceDescription": stream.kinesis_source}
        return {"DeliveryStreamDescription": description}

    def list_streams(self, payload: Payload) -> Payload:
        """ListDeliveryStreams, in the order of names."""
        after = payload.get("ExclusiveStartDeliveryStreamName", "")
        limit = payload.get("Limit", 10)
        wanted_type = payload.get("DeliveryStreamType")
        names = [
            stream.name
            for stream in self._all_streams()
            if stream.name > after and wanted_type in (None, _type_of(stream))
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
            self._check(merged)
            stream.reconfigure(merged, self._context.clock.now())
        return {}

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

    def _check(self, configuration: dict[str, Any]) -> None:
        """Refuse what no stream can deliver by."""
        conversion = destination.read(configuration).conversion
        if conversion is not None:
            self._writer.check_table(conversion)

    def _all_streams(self) -> list[Stream]:
        with self._lock:
            return [self._streams[name] for name in sorted(self._streams)]

    def _stream(self, payload: Payload) -> Stream:
        return self._named(payload["DeliveryStreamName"])

    def _named(self, name: str) -> Stream:
        stream = self._streams.get(name)
        if stream is None:
            message = f"Firehose {name} under account {self._context.account_id} not found."
            raise AwsError("ResourceNotFoundException", message)
        return stream

    def _direct_stream(self, name: str) -> Stream:
        stream = self._named(name)
        if stream.kinesis_source is not None:
            message = f"This operation is not permitted on {_KINESIS} delivery stream type."
            raise AwsError("InvalidArgumentException", message)
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


def _source(payload: Payload) -> dict[str, Any] | None:
    """Return the Kinesis stream to be read; none for direct puts."""
    kind = payload.get("DeliveryStreamType", _DIRECT)
    source = payload.get("KinesisStreamSourceConfiguration")
    if payload.get("DeliveryStreamEncryptionConfigurationInput") is not None:
        raise _refusal("DeliveryStreamEncryptionConfigurationInput")
    if kind not in (_DIRECT, _KINESIS):
        raise _refusal(f"DeliveryStreamType {kind}")
    if (kind == _KINESIS) != (source is not None):
        message = (
            f"KinesisStreamSourceConfiguration goes with DeliveryStreamType {_KINESIS}, and not with {kind}"
        )
        raise AwsError("InvalidArgumentException", message)
    return None if source is None else start_source(source)


def _type_of(stream: Stream) -> str:
    return _DIRECT if stream.kinesis_source is None else _KINESIS


def _first_of(payload: Payload, *names: str) -> dict[str, Any]:
    for name in names:
        if payload.get(name) is not None:
            configuration: dict[str, Any] = payload[name]
            return configuration
    raise _refusal(f"a destination other than {names[0]}")


def _refusal(what: str) -> AwsError:
    return AwsError("InvalidArgumentException", f"Local AWS does not do {what}; see docs/local-aws.md")
