import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from firelake.layout import Lake
from firelake.spec import load_dataset

from ingest.stream import Buffering, declare
from tests.contract.core.test_cli import SPEC, SUITE
from tests.fixtures.local_aws import LocalAws
from tests.fixtures.rabbitmq import Broker
from tests.ingest.site import Site


@pytest.fixture
def site(
    broker: Broker, local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """A site that no other test knows."""
    name = f"site_{uuid4().hex[:8]}"
    (tmp_path / "suite.json").write_text(json.dumps(SUITE))
    path = tmp_path / f"{name}.yaml"
    path.write_text(SPEC.format(name=name, label="string", rate=0.0))
    monkeypatch.setitem(os.environ, "FIRELAKE_NAME", name.replace("_", "-"))
    lake, dataset = Lake.from_environment(), load_dataset(path)
    stream = declare(lake, dataset, buffering=Buffering(interval_s=1))
    site = Site(name, broker, lake, dataset, stream, broker.url)
    site.install()
    yield site
    site.close()
    local_aws.set_faults({})
