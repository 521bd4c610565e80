"""Lifecycle rules: read from S3's XML, with the refusals that AWS has for them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml.ElementTree import fromstring

from localaws.service import AwsError

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_CLASSES = (
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
_INFREQUENT_MIN_DAYS = 30
_MOST_RULES = 1000
_MOST_ID_CHARACTERS = 255

register_namespace("", _NAMESPACE)


@dataclass(frozen=True)
class Filter:
    """Which objects a rule is for."""

    prefix: str
    tags: Mapping[str, str]
    larger_than: int | None
    smaller_than: int | None

    def matches(self, key: str, bytes_stored: int, tags: Mapping[str, str]) -> bool:
        """Tell whether an object is meant."""
        return (
            key.startswith(self.prefix)
            and self.tags.items() <= tags.items()
            and (self.larger_than is None or bytes_stored > self.larger_than)
            and (self.smaller_than is None or bytes_stored < self.smaller_than)
        )


@dataclass(frozen=True)
class Transition:
    """A move to a storage class, after days or at a date; ``newer`` versions are spared."""

    storage_class: str
    days: int | None
    date: datetime | None = None
    newer: int = 0


@dataclass(frozen=True)
class Expiration:
    """An end, after days or at a date; ``newer`` versions are spared."""

    days: int | None
    date: datetime | None = None
    newer: int = 0


@dataclass(frozen=True)
class Rule:
    """A lifecycle rule, with everything that it may ask for."""

    rule_id: str
    enabled: bool
    filter: Filter
    transitions: tuple[Transition, ...]
    expiration: Expiration | None
    expired_delete_markers: bool
    noncurrent_transitions: tuple[Transition, ...]
    noncurrent_expiration: Expiration | None
    abort_uploads_days: int | None


def normalize(body: bytes) -> tuple[str, tuple[Rule, ...]]:
    """Check a configuration; return it as GET shows it, with an ID for every rule, and its rules.

    Raises
    ------
    AwsError
        AWS's own refusal: ``MalformedXML``, ``InvalidArgument`` or ``InvalidRequest``.
    """
    try:
        root = fromstring(body)
    except ParseError as error:
        raise _malformed() from error
    elements = root.findall(_name("Rule"))
    if root.tag != _name("LifecycleConfiguration") or not 1 <= len(elements) <= _MOST_RULES:
        raise _malformed()
    for element in elements:
        if not _text(element, "ID"):
            _add_id(element)
    rules = tuple(_rule(element) for element in elements)
    ids = [rule.rule_id for rule in rules]
    if len(set(ids)) < len(ids):
        raise _invalid("Rule ID must be unique. Found same ID for more than one rule")
    return tostring(root, encoding="unicode"), rules


def _rule(element: Element) -> Rule:
    rule_id, status = _text(element, "ID"), _text(element, "Status")
    if len(rule_id) > _MOST_ID_CHARACTERS:
        raise _invalid("ID length should not exceed allowed limit of 255")
    if status not in ("Enabled", "Disabled"):
        raise _malformed()
    expiration = element.find(_name("Expiration"))
    noncurrent = element.find(_name("NoncurrentVersionExpiration"))
    abort = element.find(_name("AbortIncompleteMultipartUpload"))
    rule = Rule(
        rule_id=rule_id,
        enabled=status == "Enabled",
        filter=_filter(element),
        transitions=tuple(_transition(each) for each in element.findall(_name("Transition"))),
        expiration=_expiration(expiration),
        expired_delete_markers=expiration is not None
        and _text(expiration, "ExpiredObjectDeleteMarker").lower() == "true",
        noncurrent_transitions=tuple(
            _noncurrent_transition(each) for each in element.findall(_name("NoncurrentVersionTransition"))
        ),
        noncurrent_expiration=None if noncurrent is None else _noncurrent_expiration(noncurrent),
        abort_uploads_days=None
        if abort is None
        else _positive(abort, "DaysAfterInitiation", "AbortIncompleteMultipartUpload"),
    )
    _check_actions(rule, element)
    _check_transitions(rule)
    return rule


def _filter(element: Element) -> Filter:
    outer = element.find(_name("Filter"))
    prefix = element.find(_name("Prefix"))
    if (outer is None) is (prefix is None):
        raise _malformed()
    if outer is None:
        return Filter(_text(element, "Prefix"), {}, None, None)
    inner = outer.find(_name("And"))
    if (inner is not None and len(outer) > 1) or (inner is None and len(outer) > 1):
        raise _malformed()
    holder = outer if inner is None else inner
    tags = {_text(tag, "Key"): _text(tag, "Value") for tag in holder.findall(_name("Tag"))}
    return Filter(
        _text(holder, "Prefix"),
        tags,
        _integer(holder, "ObjectSizeGreaterThan"),
        _integer(holder, "ObjectSizeLessThan"),
    )


def _transition(element: Element) -> Transition:
    days, date = _integer(element, "Days"), _date(element)
    storage_class = _text(element, "StorageClass")
    if storage_class not in _CLASSES or (days is None) is (date is None):
        raise _malformed()
    if days is not None and days < 0:
        raise _invalid("'Days' in Transition action must be nonnegative")
    if days is not None and storage_class in _INFREQUENT and days < _INFREQUENT_MIN_DAYS:
        raise _invalid(
            "'Days' in Transition action must be greater than or equal to 30 "
            f"for storageClass '{storage_class}'"
        )
    return Transition(storage_class, days, date)


def _noncurrent_transition(element: Element) -> Transition:
    storage_class = _text(element, "StorageClass")
    days = _integer(element, "NoncurrentDays")
    if storage_class not in _CLASSES or days is None:
        raise _malformed()
    if storage_class in _INFREQUENT and days < _INFREQUENT_MIN_DAYS:
        raise _invalid(
            "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 "
            f"for storageClass '{storage_class}'"
        )
    return Transition(storage_class, days, newer=_integer(element, "NewerNoncurrentVersions") or 0)


def _expiration(element: Element | None) -> Expiration | None:
    if element is None:
        return None
    days, date = _integer(element, "Days"), _date(element)
    marker = _text(element, "ExpiredObjectDeleteMarker")
    if sum((days is not None, date is not None, bool(marker))) != 1:
        raise _malformed()
    if days is not None and days <= 0:
        raise _invalid("'Days' for Expiration action must be a positive integer")
    return None if marker else Expiration(days, date)


def _noncurrent_expiration(element: Element) -> Expiration:
    days = _positive(element, "NoncurrentDays", "NoncurrentVersionExpiration")
    return Expiration(days, newer=_integer(element, "NewerNoncurrentVersions") or 0)


def _check_actions(rule: Rule, element: Element) -> None:
    actions = (
        "Transition",
        "Expiration",
        "NoncurrentVersionTransition",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
    )
    if not any(element.find(_name(action)) is not None for action in actions):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
    for name, asked in (
        ("AbortIncompleteMultipartUpload", rule.abort_uploads_days is not None),
        ("ExpiredObjectDeleteMarker", rule.expired_delete_markers),
    ):
        if asked and rule.filter.tags:
            raise AwsError("InvalidRequest", f"{name} cannot be specified with Tags.")


def _check_transitions(rule: Rule) -> None:
    where = f"for filter '(prefix={rule.filter.prefix})'"
    if len({each.days is None for each in rule.transitions}) > 1:
        message = f"Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule {where}"
        raise AwsError("InvalidRequest", message)
    classes = [each.storage_class for each in rule.transitions]
    if len(set(classes)) < len(classes):
        raise AwsError("InvalidRequest", f"'StorageClass' must be different for 'Transition' actions {where}")
    by_class = sorted(rule.transitions, key=lambda each: _CLASSES.index(each.storage_class))
    for earlier, later in pairwise(by_class):
        _check_order(earlier, later, where)
    for each in rule.transitions:
        end = rule.expiration.days if rule.expiration is not None else None
        if each.days is not None and end is not None and end <= each.days:
            of_expiration = f"'Days' in the Expiration action {where}"
            raise _invalid(f"{of_expiration} must be greater than 'Days' in the Transition action")


def _check_order(earlier: Transition, later: Transition, where: str) -> None:
    gap = _INFREQUENT_MIN_DAYS if earlier.storage_class in _INFREQUENT else 1
    if earlier.days is not None and later.days is not None and later.days - earlier.days < gap:
        of_later, of_earlier = (
            f"'Days' in the 'Transition' action for StorageClass '{each.storage_class}'"
            for each in (later, earlier)
        )
        raise _invalid(f"{of_later} {where} must be {gap} days more than {of_earlier}")


def _positive(element: Element, name: str, action: str) -> int:
    number = _integer(element, name)
    if number is None:
        raise _malformed()
    if number <= 0:
        raise _invalid(f"'{name}' for {action} action must be a positive integer")
    return number


def _integer(element: Element, name: str) -> int | None:
    text = element.findtext(_name(name))
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise _malformed() from error


def _date(element: Element) -> datetime | None:
    text = element.findtext(_name("Date"))
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _malformed() from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise _invalid("'Date' must be at midnight GMT")
    return moment


def _add_id(element: Element) -> None:
    for empty in element.findall(_name("ID")):
        element.remove(empty)
    identifier = SubElement(element, _name("ID"))
    identifier.text = str(uuid.uuid4())
    element.remove(identifier)
    element.insert(0, identifier)


def _text(element: Element, name: str) -> str:
    return element.findtext(_name(name)) or ""


def _name(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"


def _malformed() -> AwsError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return AwsError("MalformedXML", message)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgument", message)


def storage_class_order(storage_class: str) -> int:
    """Return how far down the waterfall of storage classes one lies; ``STANDARD`` is the top."""
    return _CLASSES.index(storage_class) if storage_class in _CLASSES else -1


def enabled(rules: tuple[Rule, ...]) -> Iterator[Rule]:
    """Yield the rules that act."""
    return (rule for rule in rules if rule.enabled)
