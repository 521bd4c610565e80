"""What the operations of the service share: refusals and pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from localaws.service import AwsError, Payload

Item = TypeVar("Item")


def invalid(message: str) -> AwsError:
    """Return Athena's refusal of a request."""
    return AwsError("InvalidRequestException", message)


def seconds(moment: datetime) -> float:
    """Return a time as AWS's JSON has it."""
    return moment.timestamp()


def page(items: Sequence[Item], payload: Payload, key: str, default: int = 50) -> Payload:
    """Return one page of a list under ``key``; the token is the position of the next."""
    start = token_of(payload)
    count = int(payload.get("MaxResults") or default)
    answer: Payload = {key: list(items[start : start + count])}
    if start + count < len(items):
        answer["NextToken"] = str(start + count)
    return answer


def token_of(payload: Payload) -> int:
    """Return the position that a request's NextToken stands for."""
    token = payload.get("NextToken") or "0"
    if not token.isdigit():
        raise invalid("NextToken is not one that this operation gave out")
    return int(token)
