"""The README's session with the AWS CLI: every command is run, and prints what the README says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.local_aws import ROOT, LocalAws

README_URL = "http://127.0.0.1:4566"
MARK = "end of the output"
TIMEOUT_S = 600


def session() -> list[tuple[str, str]]:
    """Return the commands of the README's section with the output that it shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## Local AWS$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    steps = [step for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [_split(step) for step in steps]


def _split(step: str) -> tuple[str, str]:
    """Tell a command from its output: its further lines are indented."""
    first, *others = step.splitlines()
    further = next((i for i, line in enumerate(others) if not line.startswith("    ")), len(others))
    return "\n".join([first, *others[:further]]), "\n".join(others[further:])


def pattern(shown: str) -> str:
    """Return what output must match: what differs each time is shown as an ellipsis."""
    return ".*".join(map(re.escape, shown.split("…")))


@pytest.mark.timeout(TIMEOUT_S + 60)
def test_the_session_prints_what_the_readme_shows(tmp_path: Path) -> None:
    (start, greeting), *steps = session()
    assert start.startswith("localaws/.venv/bin/python -m localaws ")
    assert re.fullmatch(pattern(greeting), f"Local AWS on {README_URL}, state in {ROOT}/var/session")
    local_aws = LocalAws.start(tmp_path)
    try:
        script = "".join(f"{command}\necho {MARK}\n" for command, _ in steps)
        ran = subprocess.run(  # noqa: S603 - what the README says
            ["bash", "-c", script.replace(README_URL, local_aws.endpoint_url)],  # noqa: S607
            env={**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    finally:
        local_aws.stop()
    assert ran.stderr == ""
    outputs = ran.stdout.split(f"{MARK}\n")
    for (command, shown), printed in zip(steps, outputs, strict=False):
        assert re.fullmatch(pattern(shown), printed.strip("\n")), (command, printed)
    assert len(outputs) == len(steps) + 1
