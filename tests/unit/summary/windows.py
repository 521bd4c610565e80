"""Scoring detections against labelled windows, as the Numenta Anomaly Benchmark does it.

A window counts once, for its earliest detection, and for more the earlier that comes. What is detected
outside of all windows is a false alarm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A labelled stretch of one device and kind."""

    device_id: int
    kind: str
    start_ms: int
    end_ms: int

    def holds(self, other: Window) -> bool:
        """Tell whether a detection overlaps this window."""
        same = (self.device_id, self.kind) == (other.device_id, other.kind)
        return same and self.start_ms <= other.end_ms and other.start_ms <= self.end_ms


@dataclass(frozen=True)
class Score:
    """How well detections fit the labels.

    Parameters
    ----------
    reward
        From 1 (every window found at once, no false alarm) down; 0 is as good as detecting nothing.
    """

    precision: float
    recall: float
    reward: float


def score(labels: Sequence[Window], detections: Sequence[Window]) -> Score:
    """Score detections with the benchmark's standard profile: a false alarm costs 0.11, a miss 1."""
    found = [min((d.start_ms for d in detections if label.holds(d)), default=None) for label in labels]
    alarms = sum(not any(label.holds(d) for label in labels) for d in detections)
    hits = sum(one is not None for one in found)
    earned = sum(
        _earliness(label, one) if one is not None else -1.0 for label, one in zip(labels, found, strict=True)
    )
    nothing, best = -float(len(labels)), sum(_earliness(label, label.start_ms) for label in labels)
    return Score(
        precision=hits / (hits + alarms) if hits + alarms else 1.0,
        recall=hits / len(labels) if labels else 1.0,
        reward=(earned - 0.11 * alarms - nothing) / (best - nothing) if labels else 1.0,
    )


def _earliness(window: Window, at_ms: int) -> float:
    """Return the scaled sigmoid: almost 1 at the window's start, 0 at its end."""
    length = max(1, window.end_ms - window.start_ms)
    position = (max(at_ms, window.start_ms) - window.end_ms) / length
    return 2 / (1 + math.exp(5 * position)) - 1
