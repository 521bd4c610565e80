"""Keys of raw objects: when an object arrived, and under which prefixes a period's objects lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

from firelake.periods import Grain, Period

# Firehose ends every name with -<version>-YYYY-MM-DD-HH-mm-ss-<uuid><ext>; stream names may
# themselves hold hyphens and digits, so the time is read from the right.
# https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
_NAME = re.compile(
    r"-\d+-(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-"
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}[^/]*$"
)
_EXPRESSION = re.compile(r"!\{([^}]*)\}")
_JAVA_TOKEN = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<text>[^A-Za-z']+)")
_DEFAULT_FOLDERS = "!{timestamp:yyyy/MM/dd/HH}/"
_PARTITION_KEYS = ("partitionKeyFromQuery:", "partitionKeyFromLambda:")
_RANDOM = "firehose:random-string"
# Without an error prefix of its own, a stream files failed records in such folders below its prefix.
_ERROR_TYPE = "!{firehose:error-output-type}"
_ERROR_FOLDER = r"[A-Za-z-]+-failed"
# Offsets from UTC are whole quarters of an hour.
_STEP = timedelta(minutes=15)

ListFolders = Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class _Text:
    """Characters that every key has."""

    text: str


@dataclass(frozen=True)
class _Field:
    """A part of the arrival time: a strftime directive, and how long what it names lasts."""

    name: str
    directive: str
    digits: int


@dataclass(frozen=True)
class _Anything:
    """A dynamic partition key or a random text; never holds a slash."""

    listable: bool


_Part = _Text | _Field | _Anything

_FIELDS = {
    "yyyy": _Field("year", "%Y", 4),
    "MM": _Field("month", "%m", 2),
    "dd": _Field("day", "%d", 2),
    "HH": _Field("hour", "%H", 2),
    "mm": _Field("minute", "%M", 2),
    "ss": _Field("second", "%S", 2),
}
_NAMES = tuple(field.name for field in _FIELDS.values())
_DATE = frozenset(_NAMES[:3])


@dataclass(frozen=True)
class KeyLayout:
    """How a Firehose stream builds keys.

    Parameters
    ----------
    prefix
        The stream's prefix, with its ``!{…}`` expressions; a prefix without any is followed by
        ``YYYY/MM/DD/HH/``, as Firehose does.
    zone
        The stream's time zone, in which folders and names are written.
    excluded
        Prefixes that hold something other than data; they may hold ``!{firehose:error-output-type}``.
    """

    prefix: str
    zone: str = "UTC"
    excluded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a prefix below which one day's objects cannot be found.

        Raises
        ------
        ValueError
            If an expression is unknown, or the prefix does not hold year, month and day.
        """
        named = {part.name for part in self._parts if isinstance(part, _Field)}
        if not named >= _DATE:
            raise ValueError(f"{self.prefix!r}: must hold year, month and day (yyyy, MM, dd)")
        if any(isinstance(part, _Anything) and not part.listable for part in self._until(Grain.DAY)):
            raise ValueError(
                f"{self.prefix!r}: a random text before the date makes listing one day impossible; "
                "put it behind the date"
            )

    @property
    def root(self) -> str:
        """The beginning that all keys share."""
        first = self._parts[0]
        return first.text if isinstance(first, _Text) else ""

    @property
    def folder(self) -> str:
        """The folder that all objects lie in."""
        return self.root[: self.root.rfind("/") + 1]

    def prefixes(self, period: Period, folders: ListFolders) -> list[str]:
        """Return the prefixes below which a period's objects lie; below some lie other objects too.

        Parameters
        ----------
        folders
            Lists the folders directly below a prefix; asked only if partition keys precede the date.
        """
        parts = self._until(period.grain)
        found: set[str] = set()
        listed = cache(lambda prefix: tuple(folders(prefix)))
        for instant in self._instants(period):
            found.update(self._starts(parts, instant.astimezone(self._zone_info), listed))
        return sorted(found)

    def is_data(self, key: str) -> bool:
        """Tell whether a key is outside the excluded prefixes."""
        return self._excluded_pattern.match(key) is None

    def arrived_at(self, key: str) -> datetime | None:
        """Return when Firehose received an object's oldest record, UTC.

        It is the time in the object's name; for a name that says none, or another than its folder,
        the last second of the folder's time, so that nothing in the object is too new. None if the
        key lies in no folder of this layout.
        """
        span = self._folder_span(key)
        if span is None:
            return None
        start, end = span
        named = self._named_at(key)
        return named if named is not None and start <= named < end else end - timedelta(seconds=1)

    def key(self, arrived_at: datetime, stream: str, name: UUID) -> str:
        """Return a key such as Firehose builds for a stream, without extension.

        Parameters
        ----------
        stream
            The stream's name, which also stands where keys have a partition key or a random text.
        """
        local = arrived_at.astimezone(self._zone_info)
        folder = "".join(
            stream if isinstance(part, _Anything) else _rendered(part, local) for part in self._parts
        )
        return f"{folder}{stream}-1-{local:%Y-%m-%d-%H-%M-%S}-{name}"

    @cached_property
    def _excluded_pattern(self) -> re.Pattern[str]:
        patterns = [
            _ERROR_FOLDER.join(re.escape(text) for text in _constant(prefix).split(_ERROR_TYPE))
            for prefix in self.excluded
        ]
        return re.compile("|".join(patterns) or "(?!)")

    @cached_property
    def _zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        template = self.prefix if _EXPRESSION.search(self.prefix) else self.prefix + _DEFAULT_FOLDERS
        return tuple(_parsed(template))

    def _until(self, grain: Grain) -> tuple[_Part, ...]:
        """Return the parts up to where the period is settled, and the text right behind."""
        wanted = _DATE if grain is Grain.DAY else _DATE | {"hour"}
        end = max(
            number
            for number, part in enumerate(self._parts, start=1)
            if isinstance(part, _Field) and part.name in wanted
        )
        if end < len(self._parts) and isinstance(self._parts[end], _Text):
            end += 1
        return self._parts[:end]

    def _instants(self, period: Period) -> Iterator[datetime]:
        instant = period.start
        while instant < period.end:
            yield instant
            instant += _STEP if self.zone != "UTC" else timedelta(hours=1)

    def _starts(self, parts: tuple[_Part, ...], local: datetime, folders: ListFolders) -> Iterator[str]:
        """Yield the prefixes of one instant; folders stand in for partition keys."""
        starts = [""]
        for number, part in enumerate(parts):
            if isinstance(part, _Anything):
                rest = re.compile(_folder_pattern(parts[number:], local))
                starts = [
                    start + value
                    for start in starts
                    for value in _values(start, rest, folders)
                    if not re.fullmatch(_ERROR_FOLDER, value)
                ]
            else:
                starts = [start + _rendered(part, local) for start in starts]
        yield from starts

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Match as much of the layout as a key has; finer times may be missing."""
        dated = [i for i, part in enumerate(self._parts) if isinstance(part, _Field) and part.name in _DATE]
        seen: set[str] = set()
        pieces = [_piece(part, seen) for part in self._parts]
        finer = ""
        for piece in reversed(pieces[dated[-1] + 1 :]):
            finer = f"(?:{piece}{finer})?"
        return re.compile("".join(pieces[: dated[-1] + 1]) + finer)

    def _folder_span(self, key: str) -> tuple[datetime, datetime] | None:
        """Return the time that a key's folders name, from and until, UTC."""
        match = self._pattern.match(key)
        if match is None:
            return None
        found = {name: int(text) for name, text in match.groupdict().items() if text is not None}
        finest = max(found, key=_NAMES.index)
        try:
            start = datetime(**found)  # type: ignore[arg-type]
        except ValueError:
            return None
        end = start + timedelta(**{f"{finest}s": 1})
        return self._utc(start), self._utc(end)

    def _named_at(self, key: str) -> datetime | None:
        match = _NAME.search(key)
        if match is None:
            return None
        try:
            return self._utc(datetime(*(int(part) for part in match.groups())))  # type: ignore[arg-type]
        except ValueError:
            return None

    def _utc(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self._zone_info).astimezone(UTC)


def _constant(prefix: str) -> str:
    """Return a prefix up to its first expression other than an error's type."""
    for match in _EXPRESSION.finditer(prefix):
        if match[0] != _ERROR_TYPE:
            return prefix[: match.start()]
    return prefix


def _parsed(template: str) -> Iterator[_Part]:
    position = 0
    for match in _EXPRESSION.finditer(template):
        if match.start() > position:
            yield _Text(template[position : match.start()])
        yield from _expression(match[1])
        position = match.end()
    if position < len(template):
        yield _Text(template[position:])


def _expression(expression: str) -> Iterator[_Part]:
    if expression.startswith(_PARTITION_KEYS):
        yield _Anything(listable=True)
    elif expression == _RANDOM:
        yield _Anything(listable=False)
    elif expression.startswith("timestamp:"):
        yield from _time_parts(expression.removeprefix("timestamp:"))
    else:
        raise ValueError(
            f"!{{{expression}}}: use !{{timestamp:…}}, !{{partitionKeyFromQuery:…}}, "
            f"!{{partitionKeyFromLambda:…}} or !{{{_RANDOM}}}"
        )


def _time_parts(pattern: str) -> Iterator[_Part]:
    for match in _JAVA_TOKEN.finditer(pattern):
        if match["letters"] is None:
            yield _Text(match["text"] or match["quoted"] or "'")
        elif match["letters"] in _FIELDS:
            yield _FIELDS[match["letters"]]
        else:
            raise ValueError(
                f"!{{timestamp:{pattern}}}: {match['letters']!r} is none of {', '.join(_FIELDS)}"
            )


def _piece(part: _Part, seen: set[str]) -> str:
    match part:
        case _Text(text):
            return re.escape(text)
        case _Anything():
            return "[^/]*?"
        case _Field(name, _, digits) if name not in seen:
            seen.add(name)
            return rf"(?P<{name}>\d{{{digits}}})"
        case _Field(name):
            return f"(?P={name})"


def _folder_pattern(parts: Sequence[_Part], local: datetime) -> str:
    """Return the pattern of the rest of a folder's name, its partition key first."""
    pattern = "([^/]*?)"
    for part in parts[1:]:
        if isinstance(part, _Anything):
            pattern += "[^/]*?"
            continue
        text = _rendered(part, local)
        pattern += re.escape(text.partition("/")[0])
        if "/" in text:
            break
    return pattern + "/"


def _rendered(part: _Text | _Field, local: datetime) -> str:
    return part.text if isinstance(part, _Text) else local.strftime(part.directive)


def _values(start: str, rest: re.Pattern[str], folders: ListFolders) -> Iterator[str]:
    """Yield what stands in the place of a partition key, in the folders that begin with ``start``."""
    for folder in folders(start):
        match = rest.fullmatch(folder, len(start))
        if match is not None:
            yield match[1]
