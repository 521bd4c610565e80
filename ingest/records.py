"""What a simulator can send, and where the lake must put it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ingest.profile import Record


class Kind(StrEnum):
    """What a record is; the value names it in what the simulator reports."""

    USUAL = "usual"
    LATE = "late"
    UNKNOWN_FIELD = "unknown_field"
    DUPLICATE = "duplicate"
    TOO_LATE = "too_late"
    IN_FUTURE = "in_future"
    WRONG_TYPE = "wrong_type"
    MISSING_REQUIRED = "missing_required"
    TRUNCATED = "truncated"
    NOT_JSON = "not_json"
    INVALID_UTF8 = "invalid_utf8"
    ARRAY = "array"
    NUMBER = "number"

    @property
    def quarantined_as(self) -> str | None:
        """The reason code under which the lake refuses it; None if it is accepted or a duplicate."""
        return _REASONS.get(self)

    @property
    def is_trusted(self) -> bool:
        """Whether it must become a row of the trusted table."""
        return self is not Kind.DUPLICATE and self.quarantined_as is None


_REASONS = {
    Kind.TOO_LATE: "too_late",
    Kind.IN_FUTURE: "in_future",
    Kind.WRONG_TYPE: "wrong_type",
    Kind.MISSING_REQUIRED: "missing_required",
    Kind.TRUNCATED: "malformed_json",
    Kind.NOT_JSON: "malformed_json",
    Kind.INVALID_UTF8: "invalid_utf8",
    Kind.ARRAY: "not_an_object",
    Kind.NUMBER: "not_an_object",
}


@dataclass(frozen=True)
class Item:
    """One record or broken fragment: its bytes, what it is, when its event happened."""

    data: bytes
    kind: Kind
    happened_at: datetime


@dataclass(frozen=True)
class Delivery:
    """One Firehose record: what a source hands over at once, at its time.

    Its last item is always a complete object, so that in whatever order deliveries come to lie in
    an S3 object, no two broken fragments ever touch and each remains one fragment.
    """

    sent_at: datetime
    items: tuple[Item, ...]

    @property
    def payload(self) -> bytes:
        """The bytes that are sent: no delimiter, as the sources send them."""
        return b"".join(item.data for item in self.items)


def encode(record: Record) -> bytes:
    """Write a record as the sources do."""
    return json.dumps(record, ensure_ascii=False).encode()
