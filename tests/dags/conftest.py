"""The project's DAGs as Airflow reads them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from firelake.layout import Lake, Zone
from firelake.spec import load_datasets
from firelake.summary.spec import load_summaries

from tests.dags.readings import KEY, put_readings
from tests.fixtures.local_aws import LocalAws

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

ROOT = Path(__file__).resolve().parents[2]
PARSE = Path(__file__).with_name("parse.py")


@pytest.fixture(scope="session")
def dag_bag() -> DagBag:
    """Give the project's DAGs as Airflow reads them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags")


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make Airflow's metadata database."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def raw_object(local_aws: LocalAws) -> str:
    """Put one object of 40 readings around midnight into a lake that holds nothing else of its dataset."""
    from firelake import iceberg
    from firelake.catalog import prepare_lake
    from firelake.storage import Bucket
    from firelake.tables import LEDGER

    lake, datasets = Lake.from_environment(), load_datasets()
    for zone, dataset in product((Zone.TRUSTED, Zone.QUARANTINE), datasets):
        table = (lake.database(zone), dataset.name)
        if iceberg.catalog().table_exists(table):
            # Not emptied: runs that its snapshots name would be written into the ledger again.
            iceberg.catalog().drop_table(table)
    prepare_lake(lake, datasets, [summary.table for summary in load_summaries()])
    LEDGER.load(lake).delete()
    raw = Bucket(lake.bucket(Zone.RAW))
    raw.delete([info.key for dataset in datasets for info in raw.list(dataset.raw.prefix)])
    put_readings(lake)
    return KEY


@pytest.fixture
def parse() -> Callable[[Path], dict[str, Any]]:
    """Give a function that parses a project's DAGs in a fresh process and says what came of it."""

    def run(project: Path) -> dict[str, Any]:
        environment = os.environ | {
            "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
            "PYTHONPATH": str(project / "plugins"),
        }
        command = [sys.executable, str(PARSE)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a copy of what Airflow is deployed with, to be changed by a test."""
    for folder in ("dags", "plugins", "include", "expectations"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path
