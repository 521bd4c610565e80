"""The ``firelake`` command: the lake without Airflow."""

from firelake.cli.entry import main

__all__ = ["main"]
