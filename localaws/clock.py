"""A clock that tests and demos can set, and that otherwise tells the real time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

Listener = Callable[[datetime], None]
Finisher = Callable[[], object]


class Clock:
    """UTC time for all services: the real one until it is set, then one that stands still.

    Listeners are told of every new setting, in the order in which they subscribed, before
    :meth:`set` returns, so that work that fell due in between is done by then. Those that finish the
    past are told before it, and see the old time.
    """

    def __init__(self) -> None:
        self._fixed: datetime | None = None
        self._listeners: list[Listener] = []
        self._finishers: list[Finisher] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the current time, with time zone UTC."""
        fixed = self._fixed
        return fixed if fixed is not None else datetime.now(UTC)

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` with the new time whenever the clock is set."""
        self._listeners.append(listener)

    def subscribe_before(self, finisher: Finisher) -> None:
        """Call ``finisher`` whenever the clock is about to be set."""
        self._finishers.append(finisher)

    def set(self, now: datetime | None) -> None:
        """Stand still at ``now``; ``None`` returns to the real time.

        Raises
        ------
        ValueError
            If ``now`` carries no time zone.
        """
        if now is not None and now.tzinfo is None:
            raise ValueError(f"the clock needs a time with a zone, got {now.isoformat()}")
        with self._lock:
            for finisher in self._finishers:
                finisher()
            self._fixed = now.astimezone(UTC) if now is not None else None
            for listener in self._listeners:
                listener(self.now())
