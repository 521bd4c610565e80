"""What something should reach, and on which machine it was tried."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

GIB = 1 << 30


@dataclass(frozen=True)
class Target:
    """Something Firelake should reach.

    Parameters
    ----------
    reached
        What was measured, in the words of the target.
    """

    text: str
    reached: str
    met: bool


def at_most(text: str, value: float, limit: float, unit: str) -> Target:
    """Hold a value to an upper limit."""
    return Target(f"{text}: at most {limit:,g}{unit}", f"{value:,.2f}{unit}", value <= limit)


def at_least(text: str, value: float, limit: float, unit: str) -> Target:
    """Hold a value to a lower limit."""
    return Target(f"{text}: at least {limit:,g}{unit}", f"{value:,.2f}{unit}", value >= limit)


def machine() -> str:
    """Say what the benchmarks ran on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = psutil.virtual_memory().total // GIB
    return f"{psutil.cpu_count()} cores ({model}), {memory} GiB of memory, Python {platform.python_version()}"
