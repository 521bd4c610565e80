"""What `make mwaa` builds, unpacked as MWAA does it, gives the same DAGs as the project."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARSE = Path(__file__).with_name("parse.py")
BUILD = ROOT / "deploy" / "mwaa" / "build.py"


def _build(target: Path) -> None:
    spec = importlib.util.spec_from_file_location("mwaa_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.build(target)


def _parse(home: Path, plugins: Path, dags: Path) -> dict[str, Any]:
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        # Only what was unpacked: neither the project's folders nor its editable install.
        "PYTHONPATH": str(plugins),
    }
    how: dict[str, Any] = {"env": environment, "cwd": home, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, str(PARSE)], check=True, **how)  # noqa: S603 - ours
    parsed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return parsed


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bucket") / "mwaa"
    _build(folder)
    return folder


@pytest.fixture(scope="module")
def home(bucket: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "dags").symlink_to(bucket / "dags")
    with zipfile.ZipFile(bucket / "plugins.zip") as archive:
        archive.extractall(folder / "plugins")
    startup = ["sh", "-eu", str(bucket / "startup.sh")]
    subprocess.run(startup, env={**os.environ, "AIRFLOW_HOME": str(folder)}, check=True)  # noqa: S603 - ours
    return folder


def test_the_same_dags_are_parsed_from_what_is_unpacked(home: Path) -> None:
    unpacked = _parse(home, home / "plugins", home / "dags")
    project = _parse(home, ROOT / "plugins", ROOT / "dags")
    assert unpacked["import_errors"] == {}
    assert unpacked["dags"] == project["dags"] != []
    assert unpacked["plugins"] == {"firelake": "$PLUGINS_FOLDER/firelake_plugin.py"}


def test_declarations_are_read_from_what_is_unpacked(home: Path) -> None:
    (home / "include" / "datasets" / "broken.yaml").write_text("name: [\n")
    try:
        errors = _parse(home, home / "plugins", home / "dags")["import_errors"]
    finally:
        (home / "include" / "datasets" / "broken.yaml").unlink()
    assert str(home.resolve()) in "".join(errors.values())


def test_every_requirement_is_pinned_by_the_constraints(bucket: Path) -> None:
    first, *wanted = (bucket / "requirements.txt").read_text().splitlines()
    constraints = (bucket / "dags" / "constraints.txt").read_text()
    assert first == '--constraint "/usr/local/airflow/dags/constraints.txt"'
    names = [line.split("=")[0].split("<")[0].split("[")[0] for line in wanted]
    assert "duckdb" in names
    assert "apache-airflow" not in names
    assert [name for name in names if f"\n{name}==" not in constraints] == []


def test_building_again_gives_the_same_file(bucket: Path, tmp_path: Path) -> None:
    _build(tmp_path / "again")
    assert (tmp_path / "again" / "plugins.zip").read_bytes() == (bucket / "plugins.zip").read_bytes()
