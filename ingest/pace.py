"""When things are sent: in real time, or as fast as a clock that can be set is moved along."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

import urllib3
from firelake.errors import FirelakeError, LakeUnreachable


class Pace(Protocol):
    """Says in what steps of time to send, and lets a step's time come."""

    @property
    def step(self) -> timedelta:
        """How much time is sent at once."""

    def reach(self, instant: datetime) -> None:
        """Return when it is ``instant`` for the stream."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, whether all went well or not."""


@dataclass(frozen=True)
class RealTime:
    """Waits until the real time comes."""

    step: timedelta = timedelta(seconds=0.25)
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def reach(self, instant: datetime) -> None:
        """Sleep until ``instant``; return at once if it has passed."""
        self.sleep(max(0.0, (instant - self.now()).total_seconds()))

    def __enter__(self) -> Self:
        """Begin; nothing to prepare."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; nothing to undo."""


@dataclass(frozen=True)
class SteppedClock:
    """Moves a clock that answers ``PUT {"now": …}``; on leaving, the clock shows real time again.

    Parameters
    ----------
    url
        Address of the clock.
    step
        How far the clock is moved at a time; buffers that fell due are delivered meanwhile.
    """

    url: str
    step: timedelta = timedelta(minutes=20)

    def reach(self, instant: datetime) -> None:
        """Set the clock to ``instant``."""
        self._put(instant.isoformat())

    def __enter__(self) -> Self:
        """Begin; the clock is set by the first step."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the clock show real time again."""
        self._put(None)

    def _put(self, now: str | None) -> None:
        try:
            response = urllib3.request("PUT", self.url, json={"now": now}, timeout=60, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise LakeUnreachable(
                f"{self.url}: the clock does not answer ({error}); correct --clock-url"
            ) from error
        if response.status != 200:
            raise FirelakeError(f"{self.url}: the clock refused {now}: {response.data[:500]!r}")
