from __future__ import annotations

from typing import Any

import pytest
from firelake import athena, aws
from firelake.errors import FirelakeError
from firelake.layout import Lake

LAKE = Lake("lake")


class PlayedAthena:
    """Goes through the states given, one a call; the last one stays."""

    def __init__(self, *states: str, **status: Any) -> None:
        self.states = list(states)
        self.status = status
        self.started: dict[str, Any] = {}
        self.stopped: list[str] = []

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self.started = request
        return {"QueryExecutionId": "q1"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        execution = {"Status": {"State": state, **self.status}, "Statistics": {"DataScannedInBytes": 10}}
        return {"QueryExecution": execution}

    def stop_query_execution(self, QueryExecutionId: str) -> None:  # noqa: N803
        self.stopped.append(QueryExecutionId)


def play(monkeypatch: pytest.MonkeyPatch, *states: str, **status: Any) -> PlayedAthena:
    played = PlayedAthena(*states, **status)
    monkeypatch.setattr(aws, "client", lambda _: played)
    return played


def test_it_polls_with_growing_pauses_until_the_query_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    played, pauses = play(monkeypatch, "QUEUED", *["RUNNING"] * 20, "SUCCEEDED"), list[float]()
    finished = athena.run(LAKE, "SELECT ?", ["'x'"], sleep=pauses.append)
    assert (finished.query_id, finished.bytes_scanned) == ("q1", 10)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1], len(pauses)) == (0.1, 5.0, 21)
    assert played.started == {
        "QueryString": "SELECT ?",
        "WorkGroup": "lake",
        "ResultConfiguration": {"OutputLocation": "s3://lake-ops/athena-results/"},
        "ExecutionParameters": ["'x'"],
    }


def test_no_parameters_are_sent_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(monkeypatch, "SUCCEEDED")
    athena.run(LAKE, "SELECT 1")
    assert "ExecutionParameters" not in played.started


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"StateChangeReason": "TABLE_NOT_FOUND: x"}, "TABLE_NOT_FOUND: x"),
        ({"AthenaError": {"ErrorMessage": "out of memory"}}, "out of memory"),
        ({}, "Athena gave no reason"),
    ],
)
@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_query_that_fails_raises_athenas_reason(
    monkeypatch: pytest.MonkeyPatch, state: str, status: dict[str, Any], reason: str
) -> None:
    play(monkeypatch, "RUNNING", state, **status)
    with pytest.raises(FirelakeError, match=f"Athena query q1 {state}: {reason}"):
        athena.run(LAKE, "SELECT 1", sleep=lambda _: None)


def test_a_query_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(monkeypatch, "RUNNING")
    with pytest.raises(FirelakeError, match="q1 stopped: still RUNNING"):
        athena.run(LAKE, "SELECT 1", timeout_s=0, sleep=lambda _: None)
    assert played.stopped == ["q1"]
