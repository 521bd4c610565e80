"""Pauses between tries that fail."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass
class Backoff:
    """Draws pauses that grow with every fruitless try, spread so that many senders do not return at once.

    Parameters
    ----------
    random
        Draws each pause, from nothing to the longest of its turn.
    first_s, longest_s
        The longest pause after the first fruitless try, and after many.
    tries
        Fruitless tries since there was progress.
    """

    random: Random
    first_s: float = 0.1
    longest_s: float = 10.0
    tries: int = 0

    def pause_s(self) -> float:
        """Count a fruitless try and return how long to wait after it."""
        pause = self.random.random() * min(self.longest_s, self.first_s * 2.0 ** min(self.tries, 32))
        self.tries += 1
        return pause

    def progress(self) -> None:
        """Forget the fruitless tries: something was achieved."""
        self.tries = 0
