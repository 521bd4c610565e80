"""docs/local-aws.md tells the truth: what it calls real is there, what it calls refused answers 501."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.fixtures.local_aws import PYTHON, ROOT, LocalAws

PAGE = ROOT / "docs" / "local-aws.md"
TARGETS = {"Glue": "AWSGlue", "Firehose": "Firehose_20150804", "Athena": "AmazonAthena"}


def documented() -> dict[str, dict[str, str]]:
    sections = re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {
        section.partition("\n")[0]: dict(
            re.findall(r"^\| (\w+) \| (real|refused) \|$", section, re.MULTILINE)
        )
        for section in sections
    }


def test_page_is_up_to_date(tmp_path: Path) -> None:
    copy = tmp_path / "local-aws.md"
    copy.write_text(PAGE.read_text())
    subprocess.run([str(PYTHON), "-m", "localaws.describe", str(copy)], cwd=ROOT, check=True)  # noqa: S603
    assert copy.read_text() == PAGE.read_text(), "run: python -m localaws.describe docs/local-aws.md"


@pytest.mark.parametrize("service", TARGETS)
def test_refused_operations_answer_501_by_name(local_aws: LocalAws, service: str) -> None:
    refused = [name for name, state in documented()[service].items() if state == "refused"]
    for name in refused:
        headers = {"X-Amz-Target": f"{TARGETS[service]}.{name}"}
        request = urllib.request.Request(local_aws.endpoint_url, b"{}", headers)  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310
        body = json.loads(answer.value.read())
        assert (answer.value.code, body["__type"]) == (501, "UnknownOperationException")
        assert name in body["message"]


@pytest.mark.parametrize("service", TARGETS)
def test_real_operations_are_served(local_aws: LocalAws, service: str) -> None:
    real = {name for name, state in documented()[service].items() if state == "real"}
    assert real == set(local_aws.page("GET", "health")["services"].get(TARGETS[service], []))
