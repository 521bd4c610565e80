"""The timestamps that the deserializers of Firehose read, all into UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from localaws.service import AwsError

MILLIS = "millis"
_EPOCH = datetime(1970, 1, 1)
# Seconds up to the year 5138; what is larger counts milliseconds.
_MOST_SECONDS = 10**11
_TEXT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z?)", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_JODA_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']")
_JODA = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "M": "%m",
    "MMM": "%b",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%f",
    "SSSSSS": "%f",
    "Z": "%z",
    "ZZ": "%z",
    "a": "%p",
    "hh": "%I",
}


def openx(value: object) -> datetime:
    """Read what the OpenX SerDe takes: ISO text, a date and a time, or epoch seconds or milliseconds.

    Raises
    ------
    ValueError
        When the value is no timestamp.
    """
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return _text(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"{value!r} is no timestamp")
    number = Decimal(str(value))
    if abs(number) >= _MOST_SECONDS:
        return _since_epoch(number / 1000)
    return _since_epoch(number)


def hive(value: object, formats: tuple[str, ...]) -> datetime:
    """Read what the Hive SerDe takes: a date and a time, or one of the formats that were given.

    Raises
    ------
    ValueError
        When the value is no timestamp.
    """
    for pattern in formats:
        try:
            if pattern == MILLIS:
                return _since_epoch(Decimal(int(str(value))) / 1000)
            return _utc(datetime.strptime(str(value), _strptime_format(pattern)))
        except ValueError:
            continue
    if isinstance(value, str) and "T" not in value:
        return _text(value)
    raise ValueError(f"{value!r} is no timestamp")


def check_format(pattern: str) -> None:
    """Refuse a format of Joda with a letter that is not read here.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` naming the letters.
    """
    if pattern != MILLIS:
        _strptime_format(pattern)


def _strptime_format(pattern: str) -> str:
    return "".join(_joda(token) for token in _JODA_TOKEN.finditer(pattern))


def _joda(token: re.Match[str]) -> str:
    text = token[0]
    if text.startswith("'"):
        return (token[1] or "'").replace("%", "%%")
    if token[2] is None:
        return text.replace("%", "%%")
    if text not in _JODA:
        message = f"TimestampFormats: Local AWS does not read {text!r}; see docs/local-aws.md"
        raise AwsError("InvalidArgumentException", message)
    return _JODA[text]


def _text(value: str) -> datetime:
    found = _TEXT.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"{value!r} is no timestamp")
    year, month, day, hour, minute, second = (int(found[number]) for number in range(1, 7))
    microsecond = int((found[7] or "").ljust(6, "0")[:6])
    return datetime(year, month, day, hour, minute, second, microsecond)


def _since_epoch(seconds: Decimal) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError as error:
        raise ValueError(f"{seconds} seconds are no timestamp") from error


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
