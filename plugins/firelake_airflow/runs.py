"""An Airflow run as the lake knows it."""

from __future__ import annotations

import re

_LONGEST = 80


def run_origin(run_id: str) -> str:
    """Return an Airflow run's id as it may appear in S3 keys.

    Airflow's own hold colons and plus signs, which tools that read S3 addresses take for something else.
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", run_id).strip("-")[:_LONGEST]
