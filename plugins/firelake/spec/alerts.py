"""Who is told when something about a table needs people."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from firelake.spec.declaration import Declaration

# With the lake's name before it, within the 256 characters that SNS allows.
_TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")


def is_arn(topic: str) -> bool:
    """Tell whether a topic is given by its ARN, hence is somebody else's."""
    return topic.startswith("arn:")


def _check_topic(value: str) -> str:
    if not (_TOPIC_ARN if is_arn(value) else _TOPIC_NAME).fullmatch(value):
        raise ValueError(
            f"{value!r} is neither a topic's name, of letters, digits, - and _, nor its ARN, such as "
            "arn:aws:sns:us-east-1:123456789012:lake; FIFO topics are not supported"
        )
    return value


class AlertEvent(StrEnum):
    """What people can be told of."""

    GATE_FAILED = "gate_failed"
    GATE_WARNED = "gate_warned"
    QUARANTINE_RATE = "quarantine_rate"
    FRESHNESS = "freshness"


class Alerts(Declaration):
    """Who is told of what, once per run and event."""

    sns_topic: Annotated[str, AfterValidator(_check_topic)] = Field(
        description="A name: `firelake prepare` makes the SNS topic `<lake>-<name>`. Or the ARN of one that "
        "there is."
    )
    events: tuple[AlertEvent, ...] = Field(
        (AlertEvent.GATE_FAILED, AlertEvent.GATE_WARNED, AlertEvent.QUARANTINE_RATE, AlertEvent.FRESHNESS),
        min_length=1,
        description="Of what: a gate that blocked, one that passed with warnings, more than "
        "`quarantine_rate` refused, newest data older than `freshness`.",
    )
    quarantine_rate: float | None = Field(
        None, ge=0, le=1, description="Share of a run's records in quarantine above which people are told."
    )

    @model_validator(mode="after")
    def _rate_is_given(self) -> Self:
        explicit = "events" in self.model_fields_set
        if explicit and (AlertEvent.QUARANTINE_RATE in self.events) != (self.quarantine_rate is not None):
            raise ValueError("quarantine_rate: give the rate if and only if `events` names quarantine_rate")
        return self
