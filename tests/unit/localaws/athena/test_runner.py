"""How executions end that nothing but their runner ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from localaws.athena.engine import Cancellation, Engine, Query, Rows
from localaws.athena.glue_access import Glue
from localaws.athena.runner import Machinery, Runner
from localaws.athena.saved_queries import PreparedStatements
from localaws.athena.state import State
from localaws.clock import Clock
from localaws.service import Context

GENEROUS_S = 60


class EndlessEngine:
    """Runs every query until it is stopped; like DuckDB, it does not hear every interrupt."""

    def __init__(self) -> None:
        self.started = threading.Event()

    @contextmanager
    def run(self, query: Query, cancellation: Cancellation) -> Iterator[Rows]:
        interrupts = threading.Semaphore(0)
        with cancellation.interrupting(interrupts.release):
            self.started.set()
            for _ in range(3):
                assert interrupts.acquire(timeout=GENEROUS_S)
            cancellation.check()
            yield Rows((), iter(()), 0)

    def close(self) -> None:
        self.started.clear()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "athena.sqlite")
    yield state
    state.close()


def machinery(state: State, engine: EndlessEngine, data_dir: Path) -> Machinery:
    context = Context(data_dir, "http://127.0.0.1:1", Clock())
    prepared = cast(PreparedStatements, SimpleNamespace())
    return Machinery(context, state, cast(Engine, engine), cast(Glue, SimpleNamespace()), prepared)


def document(state: State, execution_id: str) -> dict[str, Any]:
    made = {
        "QueryExecutionId": execution_id,
        "Query": "SELECT 1",
        "QueryExecutionContext": {},
        "ResultConfiguration": {},
        "Status": {"State": "QUEUED", "SubmissionDateTime": 0.0},
        "Statistics": {},
        "WorkGroup": "primary",
        "_output": "s3://b/",
        "_bytes_limit": None,
    }
    state.add_execution(made, None)
    return made


def ended(state: State, execution_id: str) -> dict[str, Any]:
    """Wait for an execution's end and return its status."""
    deadline = time.monotonic() + GENEROUS_S
    while time.monotonic() < deadline:
        found = state.execution(execution_id)
        assert found is not None
        if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return cast(dict[str, Any], found["Status"])
        time.sleep(0.01)
    raise TimeoutError(execution_id)


def test_a_query_that_takes_too_long_fails(state: State, tmp_path: Path) -> None:
    runner = Runner(machinery(state, EndlessEngine(), tmp_path), timeout_s=0.05)
    runner.submit(document(state, "q"))
    status = ended(state, "q")
    runner.close()
    assert (status["State"], status["StateChangeReason"]) == ("FAILED", "Query timeout")


def test_a_stop_reaches_a_query_that_runs(state: State, tmp_path: Path) -> None:
    engine = EndlessEngine()
    runner = Runner(machinery(state, engine, tmp_path))
    runner.submit(document(state, "q"))
    assert engine.started.wait(GENEROUS_S)
    runner.cancel("q")
    status = ended(state, "q")
    runner.close()
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query was cancelled by the user")


def test_closing_stops_what_runs_and_what_waits(state: State, tmp_path: Path) -> None:
    engine = EndlessEngine()
    runner = Runner(machinery(state, engine, tmp_path))
    ids = [f"q{number}" for number in range(6)]
    for execution_id in ids:
        runner.submit(document(state, execution_id))
    assert engine.started.wait(GENEROUS_S)
    runner.close()
    assert [ended(state, execution_id)["State"] for execution_id in ids] == ["CANCELLED"] * 6
