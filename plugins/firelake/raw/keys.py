"""Keys of raw objects: when an object arrived, and under which prefixes a period's objects lie."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from firelake.periods import Grain, Period

# Firehose ends every name with -<version>-YYYY-MM-DD-HH-mm-ss-<uuid><ext>; stream names may
# themselves hold hyphens and digits, so the time is read from the right.
# https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
_NAME = re.compile(
    r"-\d+-(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-"
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}[^/]*$"
)


def arrived_at(key: str) -> datetime | None:
    """Return the time in an object's name (UTC), or None if the name is not one of Firehose's.

    It is the time at which Firehose received the oldest record of the object.
    """
    match = _NAME.search(key)
    if match is None:
        return None
    try:
        return datetime(*(int(part) for part in match.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None


def period_prefix(raw_prefix: str, period: Period) -> str:
    """Return the key prefix under which Firehose files the objects of one arrival period."""
    pattern = "%Y/%m/%d/%H/" if period.grain is Grain.HOUR else "%Y/%m/%d/"
    return raw_prefix + period.start.strftime(pattern)
