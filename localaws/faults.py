"""Faults that a test or a demo asks for: a share of records that a service refuses."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Fault:
    fail_share: float
    seen: int = 0

    def next(self) -> tuple[bool, _Fault]:
        """Fail evenly rather than by chance, so that a run can be repeated."""
        due = int((self.seen + 1) * self.fail_share) > int(self.seen * self.fail_share)
        return due, _Fault(self.fail_share, self.seen + 1)


class Faults:
    """Which operations fail, and how often; none do until it is asked for."""

    def __init__(self) -> None:
        self._faults: dict[str, _Fault] = {}
        self._lock = threading.Lock()

    def replace(self, wanted: dict[str, Any]) -> None:
        """Set all faults anew, such as ``{"firehose.PutRecordBatch": {"fail_share": 0.3}}``.

        Raises
        ------
        ValueError
            When a share is not a number from 0 to 1.
        """
        faults = {operation: _Fault(_share(operation, fault)) for operation, fault in wanted.items()}
        with self._lock:
            self._faults = faults

    def strikes(self, operation: str) -> bool:
        """Tell whether the next record of an operation must fail."""
        with self._lock:
            fault = self._faults.get(operation)
            if fault is None:
                return False
            due, self._faults[operation] = fault.next()
            return due

    def strike_all(self, operation: str, count: int) -> list[bool]:
        """Tell of each of so many records whether it must fail."""
        if operation not in self._faults:
            return [False] * count
        return [self.strikes(operation) for _ in range(count)]

    def as_json(self) -> dict[str, Any]:
        """Return the faults as they were set."""
        with self._lock:
            return {operation: {"fail_share": fault.fail_share} for operation, fault in self._faults.items()}


def _share(operation: str, fault: object) -> float:
    share = fault.get("fail_share") if isinstance(fault, dict) else None
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1:
        raise ValueError(f'{operation}: write {{"fail_share": a number from 0 to 1}}')
    return float(share)
