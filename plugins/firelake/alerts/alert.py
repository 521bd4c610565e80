"""One message to people."""

from __future__ import annotations

from firelake.outcome import Outcome
from firelake.spec.alerts import AlertEvent


class Alert(Outcome):
    """What people are told.

    Parameters
    ----------
    topic
        The topic's name or ARN, as the declaration has it.
    occasion
        What it is told once about: a run's id, or the time of the newest record.
    title
        One line that says what has happened.
    text
        What exactly, where to read on, and what to do.
    """

    topic: str
    table: str
    event: AlertEvent
    occasion: str
    title: str
    text: str

    @property
    def attributes(self) -> dict[str, str]:
        """What subscriptions can be filtered by."""
        return {"table": self.table, "event": str(self.event)}
