"""Alerts on their way: kept in the lake until they are sent, and remembered so that none is sent twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from firelake import aws
from firelake.alerts.alert import Alert
from firelake.errors import FirelakeError
from firelake.layout import Lake, Zone, alert_key, alerts_prefix, uri
from firelake.spec.alerts import is_arn
from firelake.storage import Bucket

_log = logging.getLogger(__name__)

Channel = Callable[[Lake, Alert], None]


def send_to_sns(lake: Lake, alert: Alert) -> None:
    """Publish an alert to its topic.

    Raises
    ------
    FirelakeError
        If SNS does not take it; LakeUnreachable if there is no such topic.
    """
    topic = alert.topic if is_arn(alert.topic) else lake.topic(alert.topic)
    aws.publish_message(topic, alert.title, f"{alert.title}\n\n{alert.text}\n", alert.attributes)


@dataclass(frozen=True)
class Outbox:
    """The alerts of one lake.

    Parameters
    ----------
    send
        How an alert reaches people; raises FirelakeError if it cannot.
    """

    lake: Lake
    send: Channel = send_to_sns

    def post(self, table: str, alerts: Iterable[Alert]) -> None:
        """Send alerts about a table that were not sent before, and those that wait from earlier.

        What cannot be sent waits here for the next time: data is not held up because people cannot be
        told. The log says why.
        """
        for alert in alerts:
            if not self._was_sent(alert):
                self._write(alert, waiting=True)
        for key in self.waiting(table):
            alert = Alert.model_validate_json(self._ops.read(key))
            try:
                self.send(self.lake, alert)
            except FirelakeError as error:
                _log.error(
                    "Alert %r waits as %s until it can be sent: %s",
                    alert.title,
                    uri(self._ops.name, key),
                    error,
                )
                continue
            self._write(alert, waiting=False)
            self._ops.delete([key])

    def waiting(self, table: str) -> tuple[str, ...]:
        """Return the keys of a table's alerts that could not be sent yet."""
        return tuple(found.key for found in self._ops.list(alerts_prefix(table, waiting=True)))

    @property
    def _ops(self) -> Bucket:
        return Bucket(self.lake.bucket(Zone.OPS))

    def _was_sent(self, alert: Alert) -> bool:
        key = _key(alert, waiting=False)
        return any(found.key == key for found in self._ops.list(key))

    def _write(self, alert: Alert, *, waiting: bool) -> None:
        self._ops.write(_key(alert, waiting=waiting), alert.model_dump_json().encode())


def _key(alert: Alert, *, waiting: bool) -> str:
    return alert_key(alert.table, f"{alert.occasion}.{alert.event}", waiting=waiting)
