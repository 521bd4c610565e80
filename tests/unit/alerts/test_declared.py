"""A declaration that would tell nobody, or too late, is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from firelake.check import check_spec
from firelake.errors import SpecError
from firelake.spec.alerts import Alerts
from firelake.spec.load import DATASETS_DIR, load_yaml_model
from firelake.summary.spec import SUMMARIES_DIR, SummaryTable

DATASET = (DATASETS_DIR / "iot_device_telemetry.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ({"sns_topic": "no such name"}, "neither a topic's name"),
        ({"sns_topic": "arn:aws:sqs:us-east-1:123456789012:queue"}, "neither a topic's name"),
        ({"sns_topic": "a", "events": ["quarantine_rate"]}, "give the rate"),
        ({"sns_topic": "a", "events": ["gate_failed"], "quarantine_rate": 0.1}, "if and only if"),
        ({"sns_topic": "a", "events": []}, "at least 1"),
        ({"sns_topic": "a", "on": ["gate_failed"]}, "Extra inputs"),
    ],
)
def test_what_would_tell_nobody_is_refused(alerts: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Alerts.model_validate(alerts)


def written(path: Path, text: str, alerts: str) -> tuple[Path, int]:
    """Write a file with `alerts:` behind it; return it with the line of the last key."""
    whole = f"{text.rstrip()}\n{alerts}\n"
    path.write_text(whole, encoding="utf-8")
    return path, whole.count("\n")


def test_validate_names_the_line_of_a_wrong_key(tmp_path: Path) -> None:
    path, line = written(
        tmp_path / "iot_device_telemetry.yaml", DATASET, "alerts:\n  sns_topic: a\n  evnts: [freshness]"
    )
    (problem,) = check_spec(path).problems
    assert problem.startswith(f"{path}:{line}: alerts.evnts: unknown key")


def test_an_alert_behind_the_block_is_refused(tmp_path: Path) -> None:
    path, _ = written(
        tmp_path / "iot_device_telemetry.yaml", DATASET, "alerts: {sns_topic: a, quarantine_rate: 0.05}"
    )
    (problem,) = check_spec(path).problems
    assert "0.05 must be below quality.max_quarantine_rate, 0.05" in problem


@pytest.mark.parametrize("event", ["freshness", "quarantine_rate"])
def test_a_summary_has_only_its_gate(tmp_path: Path, event: str) -> None:
    text = (SUMMARIES_DIR / "iot_device_anomalies_v1" / "table.yaml").read_text(encoding="utf-8")
    rate = ", quarantine_rate: 0.1" if event == "quarantine_rate" else ""
    path, _ = written(
        tmp_path / "table.yaml", text, f"alerts: {{sns_topic: a, events: [gate_failed, {event}]{rate}}}"
    )
    with pytest.raises(SpecError, match=f"{event} is for datasets"):
        load_yaml_model(path, SummaryTable)
