"""An ``airflow`` command with the libraries that tasks need read already.

``python -m firelake_airflow.preloaded scheduler`` (LocalExecutor) or ``… celery worker``: both fork
their workers, and each task is a fork of a worker. What the first process has imported costs them
nothing; otherwise every task would spend seconds on it.
"""

from __future__ import annotations

import runpy
import sys

import firelake.lifecycle
import firelake.maintain
import firelake.pipeline
import firelake.quality.evaluator
import firelake.rollback
import firelake.summary.pipeline  # noqa: F401

import firelake_airflow.lifecycle
import firelake_airflow.pipeline
import firelake_airflow.summary  # noqa: F401

if __name__ == "__main__":
    sys.argv = ["airflow", *sys.argv[1:]]
    runpy.run_module("airflow", run_name="__main__")
