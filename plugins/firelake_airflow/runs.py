"""An Airflow run as the lake knows it."""

from __future__ import annotations

import re
from hashlib import sha256


def lake_run_id(run_id: str) -> str:
    """Return a run's name as it appears in S3 keys: readable, unique, and the same for every try.

    Airflow's own contain colons and plus signs, which tools that read S3 paths take for something else.
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "-", run_id).strip("-")[:60]
    return f"{readable}-{sha256(run_id.encode()).hexdigest()[:8]}"
