"""Parsing is quick, and one wrong file stops only what it declares."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

HEAVY = {
    "awswrangler",
    "boto3",
    "duckdb",
    "great_expectations",
    "numpy",
    "obstore",
    "pandas",
    "pyarrow",
    "pyiceberg",
}
ERRORS_FILE = "declaration_errors.py"


def test_parsing_imports_nothing_heavy(parse: Callable[[Path], dict[str, Any]], project: Path) -> None:
    parsed = parse(project)
    assert parsed["dags"]
    assert not HEAVY & set(parsed["imported"])


def test_airflow_finds_the_plugin_and_nothing_else(
    parse: Callable[[Path], dict[str, Any]], project: Path
) -> None:
    # Were the packages scanned as well, their modules would be imported twice under wrong names.
    assert parse(project)["plugins"] == {"firelake": "$PLUGINS_FOLDER/firelake_plugin.py"}


def test_a_wrong_dataset_is_named_while_the_others_run(
    parse: Callable[[Path], dict[str, Any]], project: Path
) -> None:
    before = parse(project)
    good = project / "include" / "datasets" / "iot_device_telemetry.yaml"
    bad = good.with_name("broken.yaml")
    text = good.read_text().replace("name: iot_device_telemetry", "name: broken")
    lines = [*text.splitlines(), "sort_bye: [device_id]"]
    bad.write_text("\n".join(lines))
    worse = good.with_name("worse.yaml")
    worse.write_text("name: [\n")

    after = parse(project)

    assert before["import_errors"] == {}
    assert after["dags"] == before["dags"]
    assert [Path(path).name for path in after["import_errors"]] == [ERRORS_FILE]
    (message,) = after["import_errors"].values()
    assert f"{bad}:{len(lines)}: sort_bye: unknown key" in message
    assert f"{worse}:2: no valid YAML" in message
