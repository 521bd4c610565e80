"""What a command says when it ends, and how that is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

OK, FAILED, USAGE, GATE, BALANCE, INTERRUPTED = 0, 1, 2, 3, 4, 130


@dataclass(frozen=True)
class Answer:
    """The outcome of a command.

    Parameters
    ----------
    outcome
        All of it, as JSON.
    lines
        The same for people.
    """

    outcome: dict[str, Any]
    lines: tuple[str, ...]
    exit_code: int = OK

    def show(self, *, as_json: bool, out: TextIO) -> None:
        """Write it."""
        text = json.dumps(self.outcome, indent=2, ensure_ascii=False) if as_json else "\n".join(self.lines)
        print(text, file=out)


def progress(text: str) -> None:
    """Tell people what is going on, beside the outcome."""
    print(text, file=sys.stderr, flush=True)


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 object`` or ``12,000 objects``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(bytes_counted: int) -> str:
    """Return a size such as ``3.2 MiB``."""
    amount = float(bytes_counted)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return lines with columns of equal width."""
    widths = [max(len(row[number]) for row in [header, *rows]) for number in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
