"""The example notebooks, run anew on the lake that the demo made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from tests.e2e.conftest import ROOT, LocalLake
from tests.fixtures.local_aws import LocalAws

pytestmark = pytest.mark.timeout(600)

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


@pytest.fixture(scope="module")
def aws_of_the_demo(lake: LocalLake) -> Iterator[LocalAws]:
    """Give Local AWS with what the demo left."""
    local_aws = LocalAws.start(lake.settings.aws_data)
    yield local_aws
    assert local_aws.stop() == 0


@pytest.fixture
def kernel() -> Iterator[KernelManager]:
    """Give a Python for a notebook; it listens on no port."""
    manager = KernelManager(kernel_name="python3", transport="ipc")
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.fixture
def environment(aws_of_the_demo: LocalAws, tmp_path: Path) -> dict[str, str]:
    """Give an environment that knows that Local AWS and no other."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return ours | {"AWS_ENDPOINT_URL": aws_of_the_demo.endpoint_url, "IPYTHONDIR": str(tmp_path)}


def kinds_shown(notebook: Any) -> list[list[str]]:
    """Return of what kind each cell's outputs are: results, pictures, warnings."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [[output.output_type for output in cell.outputs] for cell in cells]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_what_it_shows(
    path: Path, kernel: KernelManager, environment: dict[str, str]
) -> None:
    notebook = nbformat.read(path, as_version=4)
    shown = kinds_shown(notebook)
    assert sum(map(len, shown)) >= 3
    NotebookClient(notebook, timeout=240, km=kernel).execute(env=environment)
    assert kinds_shown(notebook) == shown
