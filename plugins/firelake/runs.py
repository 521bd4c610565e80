"""Ids of runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

_TRIES = re.compile(r"(-\d{8}T\d{6}Z-[0-9a-f]{8})(?:-\d{8}T\d{6}Z-[0-9a-f]{8})+$")


def new_run_id(origin: str) -> str:
    """Return an id that no other try has, beginning with what started it.

    Two tries must never write the same staged file: the first one's may be published already.
    """
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{origin}-{now}-{uuid4().hex[:8]}"


def first_try(run_id: str) -> str:
    """Return the id under which a run was first staged: when staged again, its id grows at the end."""
    return _TRIES.sub(r"\1", run_id)
