"""Reading DAG files stays quick, however many datasets there are. CPU time, for machines are busy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("parse_seconds.py")
# Airflow reads each file in a process of its own; these have a DAG a dataset, and one a task a dataset.
FILES = ("pipelines.py", "rollbacks.py", "maintenance.py")


def seconds(project: Path, *names: str) -> dict[str, float]:
    environment = os.environ | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
        "PYTHONPATH": str(project / "plugins"),
    }
    command = [sys.executable, str(SCRIPT), *(str(project / "dags" / name) for name in names)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_examples_are_read_within_a_second(project: Path) -> None:
    names = sorted(path.name for path in (project / "dags").glob("*.py"))
    assert {name: spent for name, spent in seconds(project, *names).items() if spent > 1} == {}


def test_two_hundred_datasets_are_read_within_five(project: Path) -> None:
    folder = project / "include" / "datasets"
    text = (folder / "menu_clicks.yaml").read_text()
    for number in range(200 - len(list(folder.glob("*.yaml")))):
        name = f"menu_clicks_{number}"
        (folder / f"{name}.yaml").write_text(text.replace("name: menu_clicks", f"name: {name}", 1))
    assert {name: spent for name, spent in seconds(project, *FILES).items() if spent > 5} == {}
