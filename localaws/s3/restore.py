"""RestoreObject: archived objects become readable for some days, by the clock of Local AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from localaws import base
from localaws.clock import Clock
from localaws.s3.runner import due
from localaws.service import AwsError
from localaws.storage import ARCHIVED, find_record
from localaws.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS restores (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    modified TEXT NOT NULL,
    tier TEXT NOT NULL,
    available_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    is_announced INTEGER NOT NULL,
    PRIMARY KEY (bucket, key));
"""
_RETRIEVAL = {
    ("GLACIER", "Expedited"): timedelta(minutes=5),
    ("GLACIER", "Standard"): timedelta(hours=5),
    ("GLACIER", "Bulk"): timedelta(hours=12),
    ("DEEP_ARCHIVE", "Standard"): timedelta(hours=12),
    ("DEEP_ARCHIVE", "Bulk"): timedelta(hours=48),
}
"""The longest that AWS says a retrieval typically takes."""

_TIERS = ("Bulk", "Standard", "Expedited")
_ACCEPTED, _EXTENDED = 202, 200
_ONGOING = 'ongoing-request="true"'


@dataclass(frozen=True)
class RestoreRequest:
    """What RestoreObject asks for."""

    days: int
    tier: str

    @classmethod
    def read(cls, body: bytes) -> RestoreRequest:
        """Read the XML of a request.

        Raises
        ------
        AwsError
            ``MalformedXML``; ``NotImplemented`` for what has to do with S3 Select.
        """
        try:
            root: Element = fromstring(body)
        except ParseError as error:
            raise _malformed(f"the request is no XML: {error}") from error
        texts = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}
        if found := texts.keys() & {"SelectParameters", "OutputLocation", "Type"}:
            message = f"Local AWS does not do {min(found)} of RestoreObject; see docs/local-aws.md"
            raise AwsError("NotImplemented", message, 501)
        days, tier = texts.get("Days", ""), texts.get("Tier", "Standard")
        if not days.isdigit() or int(days) < 1:
            raise _malformed(f"Days is {days!r}, and must be a number from 1 on")
        if tier not in _TIERS:
            raise _malformed(f"Tier is {tier!r}, and must be one of {', '.join(_TIERS)}")
        return cls(int(days), tier)


class Restores:
    """The restores that are under way or done.

    Parameters
    ----------
    path
        The file that holds them.
    account_id
        Whose objects.
    clock
        Says when a retrieval ends and when its copy expires.
    """

    def __init__(self, path: Path, account_id: str, clock: Clock) -> None:
        self._store = Store(path, _SCHEMA)
        self._account_id = account_id
        self._clock = clock

    def start(self) -> None:
        """Give the objects back the restores that an earlier process left."""
        for bucket, key, modified, available_at, expires_at in self._store.rows(
            "SELECT bucket, key, modified, available_at, expires_at FROM restores"
        ):
            record = find_record(self._account_id, bucket, key)
            if record is None or record["last_modified"] != modified:
                self._forget(bucket, key)
            else:
                record["restore"] = _times(available_at, expires_at)
        base.use_restores(self._state_of)
        self.run(self._clock.now())

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def restore(self, bucket: str, key: str, request: RestoreRequest) -> int:
        """Begin a restore, or let a copy that is there stay for longer; return the answer's status.

        Raises
        ------
        AwsError
            As S3 refuses it.
        """
        record = find_record(self._account_id, bucket, key)
        if record is None:
            raise AwsError("NoSuchKey", f"The specified key does not exist: s3://{bucket}/{key}", 404)
        now = self._clock.now()
        available_at, status = now + _retrieval(record, request.tier), _ACCEPTED
        tier, running = request.tier, self._running(bucket, key, record)
        if running is not None:
            running_tier, ready_at = running
            if ready_at <= now:
                available_at, tier, status = ready_at, running_tier, _EXTENDED
            elif _TIERS.index(request.tier) <= _TIERS.index(running_tier):
                raise AwsError("RestoreAlreadyInProgress", "Object restore is already in progress", 409)
        expires_at = due(max(available_at, now), request.days)
        self._note(bucket, key, record, (tier, available_at.timestamp(), expires_at.timestamp()))
        if status == _ACCEPTED:
            _announce("Post", bucket, key, record)
        return status

    def run(self, now: datetime) -> None:
        """Announce the retrievals that ended, and end the copies that expired."""
        for bucket, key, expires_at, is_announced in self._store.rows(
            "SELECT bucket, key, expires_at, is_announced FROM restores WHERE available_at <= ?",
            now.timestamp(),
        ):
            record = find_record(self._account_id, bucket, key)
            if record is None or "restore" not in record:
                self._forget(bucket, key)
                continue
            if not is_announced:
                self._store.execute(
                    "UPDATE restores SET is_announced = 1 WHERE bucket = ? AND key = ?", bucket, key
                )
                _announce("Completed", bucket, key, record)
            if expires_at <= now.timestamp():
                self._forget(bucket, key)
                base.run_on_loop(record.pop, "restore", None)
                _announce("Delete", bucket, key, record)

    def check_readable(self, bucket: str, key: str) -> None:
        """Refuse the copy of an object that is archived and not restored.

        Raises
        ------
        AwsError
            ``ObjectNotInActiveTierError``.
        """
        record = find_record(self._account_id, bucket, key)
        if record is None or record.get("storage_class") not in ARCHIVED:
            return
        state = self._state_of(record)
        if state is None or state == _ONGOING:
            message = f"The source of the copy, s3://{bucket}/{key}, is archived and must be restored first"
            raise AwsError("ObjectNotInActiveTierError", message, 403)

    def _state_of(self, record: Mapping[str, Any]) -> str | None:
        """Return the value of an object's ``x-amz-restore``."""
        times, now = record.get("restore"), self._clock.now().timestamp()
        if times is None or now >= times["expires_at"]:
            return None
        if now < times["available_at"]:
            return _ONGOING
        expiry = format_datetime(datetime.fromtimestamp(times["expires_at"], UTC), usegmt=True)
        return f'ongoing-request="false", expiry-date="{expiry}"'

    def _running(self, bucket: str, key: str, record: dict[str, Any]) -> tuple[str, datetime] | None:
        """Return the tier of an object's restore, and when it is or was ready."""
        row = self._store.row(
            "SELECT tier, available_at, expires_at FROM restores"
            " WHERE bucket = ? AND key = ? AND modified = ?",
            bucket,
            key,
            record["last_modified"],
        )
        if row is None or row[2] <= self._clock.now().timestamp():
            return None
        return row[0], datetime.fromtimestamp(row[1], UTC)

    def _note(self, bucket: str, key: str, record: dict[str, Any], noted: tuple[str, float, float]) -> None:
        tier, available_at, expires_at = noted
        is_announced = available_at <= self._clock.now().timestamp()
        self._store.execute(
            "INSERT OR REPLACE INTO restores VALUES (?, ?, ?, ?, ?, ?, ?)",
            bucket,
            key,
            record["last_modified"],
            tier,
            available_at,
            expires_at,
            is_announced,
        )
        base.run_on_loop(record.__setitem__, "restore", _times(available_at, expires_at))

    def _forget(self, bucket: str, key: str) -> None:
        self._store.execute("DELETE FROM restores WHERE bucket = ? AND key = ?", bucket, key)


def _times(available_at: float, expires_at: float) -> dict[str, Any]:
    """Return a restore as ministack's S3 reads it from an object."""
    return {"available_at": available_at, "expires_at": expires_at, "completed_fired": True}


def _retrieval(record: dict[str, Any], tier: str) -> timedelta:
    storage_class = record.get("storage_class") or "STANDARD"
    if storage_class == "GLACIER_IR":
        message = "Restore is not allowed for the object's current storage class"
        raise AwsError("InvalidObjectState", message, 403)
    if storage_class not in ARCHIVED:
        message = f"Restore is not allowed as the object's storage class is {storage_class}"
        raise AwsError("ObjectAlreadyInActiveTierError", message, 403)
    if (storage_class, tier) not in _RETRIEVAL:
        raise AwsError("InvalidArgument", "Retrieval option is not supported by this storage class", 400)
    return _RETRIEVAL[storage_class, tier]


def _announce(what: str, bucket: str, key: str, record: dict[str, Any]) -> None:
    base.fire_s3_event(bucket, key, f"s3:ObjectRestore:{what}", record)


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedXML", f"The XML you provided was not well-formed or valid: {message}", 400)
