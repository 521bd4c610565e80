import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from firelake.catalog import prepare_lake
from firelake.layout import Lake

from tests.contract.core.lake import TestLake
from tests.fixtures.local_aws import LocalAws
from tests.unit.compact.lake import dataset


@pytest.fixture
def lake(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestLake]:
    """A lake and a dataset that no other test knows."""
    own = uuid4().hex[:8]
    monkeypatch.setitem(os.environ, "FIRELAKE_NAME", f"core-{own}")
    spec = dataset(name=f"readings_{own}", raw={"prefix": f"readings_{own}/"})
    made = TestLake(Lake.from_environment(), spec)
    prepare_lake(made.lake, [spec])
    return made
