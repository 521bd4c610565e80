"""Does what lifecycle rules ask for, up to a moment, and notes what it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from localaws.s3.configurations import DEFAULT_MINIMUM, Configuration
from localaws.s3.objects import BucketObjects, Upload, Version
from localaws.s3.rules import Rule, enabled, storage_class_order
from localaws.store import Store, decode, encode

_SMALL_BYTES = 128 * 1024
_COLD = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_EXPIRED = "EXPIRED"
_SCHEMA = "CREATE TABLE IF NOT EXISTS moves (number INTEGER PRIMARY KEY, document TEXT NOT NULL);"


@dataclass(frozen=True)
class Action:
    """One thing that a rule asks for: a storage class, or ``EXPIRED``, from a moment on."""

    due_at: datetime
    rule_id: str
    target: str


@dataclass(frozen=True)
class Move:
    """What was done to one object, as the log tells it."""

    due_at: str
    bucket: str
    key: str
    version_id: str | None
    rule_id: str
    was: str
    became: str
    bytes_stored: int


class MoveLog:
    """The log of what lifecycle rules did.

    Parameters
    ----------
    path
        The file that holds it.
    """

    def __init__(self, path: Path) -> None:
        self._store = Store(path, _SCHEMA)

    def add(self, move: Move) -> None:
        """Note one move."""
        self._store.execute("INSERT INTO moves (document) VALUES (?)", encode(asdict(move)))

    def all(self) -> list[dict[str, Any]]:
        """Return all moves, in the order in which they were done."""
        return [decode(text) for (text,) in self._store.rows("SELECT document FROM moves ORDER BY number")]

    def close(self) -> None:
        """Close the file."""
        self._store.close()


class Runner:
    """Applies a bucket's rules.

    Parameters
    ----------
    account_id, bucket
        Whose bucket, and which.
    log
        Where each move is noted.
    """

    def __init__(self, account_id: str, bucket: str, log: MoveLog) -> None:
        self._bucket = bucket
        self._objects = BucketObjects(account_id, bucket)
        self._log = log

    def run(self, configuration: Configuration, now: datetime) -> None:
        """Do everything that is due, for each object in the order in which it fell due."""
        rules = list(enabled(configuration.rules))
        for version in list(self._objects.versions()):
            self._apply(version, rules, configuration.minimum_size, now)
        for upload in list(self._objects.uploads()):
            self._abort_due(upload, rules, now)

    def _abort_due(self, upload: Upload, rules: list[Rule], now: datetime) -> None:
        for rule in rules:
            days = rule.abort_uploads_days
            if days is None or not upload.key.startswith(rule.filter.prefix):
                continue
            due_at = due(upload.begun_at, days)
            if due_at <= now:
                self._objects.abort(upload)
                when, rule_id = due_at.isoformat(), rule.rule_id
                self._log.add(Move(when, self._bucket, upload.key, None, rule_id, "UPLOAD", "ABORTED", 0))
                return

    def _apply(self, version: Version, rules: list[Rule], minimum_size: str, now: datetime) -> None:
        was = version.storage_class
        actions = [action for action in _actions(version, rules, minimum_size) if action.due_at <= now]
        for action in sorted(actions, key=lambda action: (action.due_at, action.target == _EXPIRED)):
            if action.target == _EXPIRED:
                self._objects.remove(version)
                self._note(version, action, was)
                return
            if storage_class_order(action.target) > storage_class_order(was):
                self._objects.move(version, action.target)
                self._note(version, action, was)
                was = action.target

    def _note(self, version: Version, action: Action, was: str) -> None:
        self._log.add(
            Move(
                action.due_at.isoformat(),
                self._bucket,
                version.key,
                version.version_id,
                action.rule_id,
                was,
                action.target,
                version.bytes_stored,
            )
        )


def due(since: datetime, days: int) -> datetime:
    """Return when a number of days is over: S3 rounds up to the next midnight UTC."""
    moment = since + timedelta(days=days)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == moment else midnight + timedelta(days=1)


def _actions(version: Version, rules: list[Rule], minimum_size: str) -> Iterator[Action]:
    for rule in rules:
        if not rule.filter.matches(version.key, version.bytes_stored, version.tags):
            continue
        if version.is_marker:
            if rule.expired_delete_markers and version.is_alone:
                yield Action(version.modified_at, rule.rule_id, _EXPIRED)
        elif version.noncurrent_since is None:
            yield from _current_actions(version, rule, minimum_size)
        else:
            yield from _noncurrent_actions(version, rule, minimum_size, version.noncurrent_since)


def _current_actions(version: Version, rule: Rule, minimum_size: str) -> Iterator[Action]:
    for each in rule.transitions:
        due_at = each.date if each.days is None else due(version.modified_at, each.days)
        if due_at is not None and _is_large_enough(version, rule, each.storage_class, minimum_size):
            yield Action(due_at, rule.rule_id, each.storage_class)
    if rule.expiration is not None:
        end = rule.expiration
        due_at = end.date if end.days is None else due(version.modified_at, end.days)
        if due_at is not None:
            yield Action(due_at, rule.rule_id, _EXPIRED)


def _noncurrent_actions(version: Version, rule: Rule, minimum_size: str, since: datetime) -> Iterator[Action]:
    for each in rule.noncurrent_transitions:
        large_enough = _is_large_enough(version, rule, each.storage_class, minimum_size)
        if each.days is not None and version.newer_noncurrent >= each.newer and large_enough:
            yield Action(due(since, each.days), rule.rule_id, each.storage_class)
    end = rule.noncurrent_expiration
    if end is not None and end.days is not None and version.newer_noncurrent >= end.newer:
        yield Action(due(since, end.days), rule.rule_id, _EXPIRED)


def _is_large_enough(version: Version, rule: Rule, storage_class: str, minimum_size: str) -> bool:
    """Tell whether S3 would move an object of this size; a filter on size overrides the minimum."""
    if version.bytes_stored >= _SMALL_BYTES or rule.filter.larger_than is not None:
        return True
    return minimum_size != DEFAULT_MINIMUM and storage_class in _COLD
