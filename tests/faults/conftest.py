import json
import os
from pathlib import Path
from uuid import uuid4

import pytest
from firelake.catalog import prepare_lake
from firelake.layout import Lake
from firelake.spec import load_dataset

from tests.contract.core.lake import TestLake
from tests.contract.core.test_cli import SPEC, SUITE
from tests.fixtures.local_aws import LocalAws


@pytest.fixture
def spec_path(tmp_path: Path) -> Path:
    """A dataset's file that no other test knows, with its suite."""
    name = f"faulty_{uuid4().hex[:8]}"
    (tmp_path / "suite.json").write_text(json.dumps(SUITE))
    path = tmp_path / f"{name}.yaml"
    path.write_text(SPEC.format(name=name, label="string", rate=1.0))
    return path


@pytest.fixture
def lake(local_aws: LocalAws, spec_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestLake:
    """A prepared lake of its own with that dataset."""
    monkeypatch.setitem(os.environ, "FIRELAKE_NAME", f"faults-{uuid4().hex[:8]}")
    made = TestLake(Lake.from_environment(), load_dataset(spec_path))
    prepare_lake(made.lake, [made.dataset])
    return made
