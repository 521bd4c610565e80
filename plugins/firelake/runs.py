"""Ids of runs."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4


def new_run_id(origin: str) -> str:
    """Return an id that no other try has, beginning with what started it.

    Two tries must never write the same staged file: the first one's may be published already.
    """
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{origin}-{now}-{uuid4().hex[:8]}"
