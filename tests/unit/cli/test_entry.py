import json
import subprocess
import sys
from pathlib import Path

import pytest
from firelake.cli import main
from firelake.cli.answer import BALANCE, FAILED, GATE, INTERRUPTED, OK, USAGE, size
from firelake.errors import AccountingError, FirelakeError, GateFailed, LakeUnreachable, VerificationFailed

COMMANDS = (
    ["validate"],
    ["prepare"],
    ["plan"],
    ["run"],
    ["rebuild"],
    ["status"],
    ["reconcile"],
    ["check-catalog"],
    ["quarantine"],
    ["quarantine", "list"],
    ["quarantine", "show"],
    ["quarantine", "replay"],
    ["maintain"],
    ["accept"],
    ["rollback"],
    ["erase"],
)
SPEC = """\
name: clicks
owner: tests
description: Clicks.
raw: {prefix: clicks/}
columns:
  at: {type: timestamp}
  shop: {type: strung}
event_time: when
qualty: {suite: clicks.json}
"""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == OK
    said = capsys.readouterr().out
    assert f"  firelake {' '.join(command)}" in said
    assert "--json" in said


def test_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for code in (OK, FAILED, USAGE, GATE, BALANCE, INTERRUPTED):
        assert f"\n  {code} " in said


def test_the_command_line_is_read_without_the_engine() -> None:
    script = (
        "import sys; from firelake.cli.arguments import build_parser; build_parser(); "
        "print({'duckdb', 'pyarrow', 'pyiceberg', 'boto3', 'pydantic'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (FirelakeError("x"), FAILED),
        (LakeUnreachable("x"), FAILED),
        (GateFailed("x"), GATE),
        (AccountingError("x"), BALANCE),
        (VerificationFailed("x"), BALANCE),
        (KeyboardInterrupt(), INTERRUPTED),
    ],
)
def test_what_went_wrong_is_an_exit_code_and_json(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("firelake.cli.declaring.check_project", fail)
    assert main(["validate", "--json"]) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["message"] == str(raised)
    assert captured.err.startswith("firelake: ")
    assert main(["validate"]) == code
    assert capsys.readouterr().out == ""


def test_every_problem_of_a_spec_is_reported_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clicks.yaml"
    path.write_text(SPEC)
    assert main(["validate", "--spec", str(path), "--json"]) == FAILED
    problems = json.loads(capsys.readouterr().out)["problems"]
    lines = [int(problem.removeprefix(f"{path}:").partition(":")[0]) for problem in problems]
    assert lines == sorted(lines)
    assert {7, 9} <= set(lines)
    assert any("unknown type 'strung'" in problem for problem in problems)
    assert any("qualty: unknown key" in problem for problem in problems)
    assert any("quality: Field required" in problem for problem in problems)


def test_what_the_project_declares_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == OK
    assert capsys.readouterr().out.rstrip().endswith("0 problems")


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan"],
        ["plan", "clicks", "--spec", "clicks.yaml"],
        ["plan", "iot_device_telemetry"],
        ["plan", "iot_device_telemetry", "--period", "2026-11-21", "--since", "2026-11-20"],
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    assert "--" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 50, "1024.0 TiB")]
)
def test_sizes_are_readable(number: int, text: str) -> None:
    assert size(number) == text
