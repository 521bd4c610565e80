"""What Airflow's processes import before they fork."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from firelake_airflow.preloaded import modules_for

from tests.fixtures.local_aws import ROOT

HEAVY = {"duckdb", "great_expectations", "pandas", "pyiceberg"}


def imported(command: str) -> set[str]:
    """Return what a fresh process has imported after preloading for a command."""
    said = f"""
import sys
from importlib import import_module
from firelake_airflow.preloaded import modules_for
for name in modules_for({command!r}):
    import_module(name)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)  # noqa: S603
    return set(done.stdout.splitlines()[-1].split())


def test_what_dag_files_import_is_there() -> None:
    sources = (path.read_text() for path in (ROOT / "dags").glob("*.py"))
    used = {name for source in sources for name in re.findall(r"^from (firelake_airflow\.\w+)", source, re.M)}
    assert len(used) > 5
    assert used <= set(modules_for("dag-processor"))


@pytest.mark.parametrize(("command", "heavy"), [("dag-processor", set()), ("scheduler", HEAVY)])
def test_only_tasks_get_what_is_heavy(command: str, heavy: set[str]) -> None:
    assert imported(command) & HEAVY == heavy
