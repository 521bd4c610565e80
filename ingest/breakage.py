"""Broken records: what interrupted writes, proxies and wrong encodings leave in a stream."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ingest.profile import Profile, Record
from ingest.records import Kind, encode

_PROXY_ANSWERS = (
    b"<html><body>Bad Gateway</body></html>",
    b"upstream connect error or disconnect before headers",
    b"sensor offline",
)


def truncated(random: Random, record: Record) -> bytes:
    """Cut a record where the object that follows cannot be taken for a part of it.

    After a colon or comma it could be a nested value, so those places are avoided.
    """
    whole = encode(record)
    while True:
        cut = whole[: random.randrange(2, len(whole) - 1)]
        if not cut.rstrip().endswith((b":", b",")):
            return cut


def not_json(random: Random, _: Record) -> bytes:
    """Return what a proxy or a sensor says instead of a record."""
    return random.choice(_PROXY_ANSWERS)


def invalid_utf8(_: Random, record: Record) -> bytes:
    """Return a record with a text in Latin-1."""
    return encode({**record, "site": "ZZZ"}).replace(b"ZZZ", "Zürich".encode("latin-1"))


def array(random: Random, _: Record) -> bytes:
    """Return a bare array."""
    return b"[%d]" % random.randrange(100)


def number(random: Random, _: Record) -> bytes:
    """Return a bare number."""
    return b"%d" % random.randrange(100)


FRAGMENTS: dict[Kind, Callable[[Random, Record], bytes]] = {
    Kind.TRUNCATED: truncated,
    Kind.NOT_JSON: not_json,
    Kind.INVALID_UTF8: invalid_utf8,
    Kind.ARRAY: array,
    Kind.NUMBER: number,
}


def wrong_type(random: Random, profile: Profile, record: Record) -> Record:
    """Return the record with one value of the wrong type."""
    key, value = random.choice(profile.wrong_values)
    return {**record, key: value}


def missing_required(random: Random, profile: Profile, record: Record) -> Record:
    """Return the record with one required key absent or null."""
    key = random.choice(profile.required)
    if random.random() < 0.5:
        return {**record, key: None}
    return {name: value for name, value in record.items() if name != key}
