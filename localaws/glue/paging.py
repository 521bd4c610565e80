"""Pages of a listing, with tokens that name the last item shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from localaws.service import AwsError, Payload

Item = TypeVar("Item")


def start_after(payload: Payload) -> str:
    """Return the key after which a page begins; empty for the first page.

    Raises
    ------
    AwsError
        ``InvalidInputException`` for a token that was not given out here.
    """
    try:
        return base64.urlsafe_b64decode(payload.get("NextToken", "").encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise AwsError("InvalidInputException", "NextToken is not one that this catalog gave out") from error


def page(
    items: Iterable[Item], key: Callable[[Item], str], payload: Payload, most: int
) -> tuple[list[Item], Payload]:
    """Return one page of items sorted by ``key``, and the token for the next as part of an answer.

    Parameters
    ----------
    items
        The items that come after :func:`start_after`.
    key
        What an item is sorted by.
    payload
        The request, with ``MaxResults`` if the client wants fewer than ``most``.
    most
        The largest page.
    """
    size = min(payload.get("MaxResults", most), most)
    shown: list[Item] = []
    for item in items:
        if len(shown) == size:
            return shown, {"NextToken": base64.urlsafe_b64encode(key(shown[-1]).encode()).decode()}
        shown.append(item)
    return shown, {}
