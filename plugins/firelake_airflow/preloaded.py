"""An ``airflow`` command that has read the libraries its children need.

``python -m firelake_airflow.preloaded scheduler`` (LocalExecutor) and ``… celery worker`` fork a process for
each task, ``… dag-processor`` one for each look at a DAG file. What the first process has imported costs
them nothing; otherwise each of them would spend seconds on it.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from importlib import import_module

_DECLARES = "dag-processor"
_BUILDERS = (
    "accept",
    "declared",
    "drift",
    "erase",
    "lifecycle",
    "maintenance",
    "pipeline",
    "rebuild",
    "reconcile",
    "rollback",
    "summary",
)
# What tasks do. DAG files declare only, and do without.
_WORK = ("lifecycle", "maintain", "pipeline", "quality.evaluator", "rollback", "summary.pipeline")


def modules_for(command: str) -> Sequence[str]:
    """Return what the children of an ``airflow`` command import."""
    builders = [f"firelake_airflow.{name}" for name in _BUILDERS]
    return builders if command == _DECLARES else [*builders, *(f"firelake.{name}" for name in _WORK)]


def main(arguments: Sequence[str]) -> None:
    """Import what the command's children need and become the command."""
    for name in modules_for(arguments[0]):
        import_module(name)
    if arguments[0] != _DECLARES:
        import_module("firelake.aws").preload()
    sys.argv = ["airflow", *arguments]
    runpy.run_module("airflow", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
