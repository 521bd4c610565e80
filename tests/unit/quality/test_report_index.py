"""Runs that end at the same time all end up in the index."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

import pytest
from firelake.layout import report_index_key, report_key, uri, verdict_key
from firelake.quality.report_index import refresh_index
from firelake.quality.verdict import Verdict

from tests.unit.quality.test_report import NOW, result, rule


@dataclass
class SlowBucket:
    """Objects in memory; every call takes some time of its own, so that calls overlap."""

    objects: dict[str, bytes] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    seed: int = 0

    def list(self, prefix: str) -> list[SimpleNamespace]:
        self._dawdle()
        with self.lock:
            keys = [key for key in self.objects if key.startswith(prefix)]
        return [SimpleNamespace(key=key, modified_at=NOW) for key in keys]

    def read_all(self, keys: list[str]) -> list[bytes]:
        return [self.objects[key] for key in keys]

    def write(self, key: str, body: bytes) -> None:
        self._dawdle()
        with self.lock:
            self.objects[key] = body
        self._dawdle()

    def _dawdle(self) -> None:
        threading.Event().wait(random.Random(threading.get_ident() + self.seed).random() / 200)  # noqa: S311


@pytest.mark.parametrize("seed", range(5))
def test_no_run_is_lost_to_a_race(seed: int) -> None:
    ops = SlowBucket(seed=seed)

    def finish(number: int) -> None:
        run_id = f"run-{number}"
        report = uri("ops", report_key("t", "2026-11-21", run_id))
        results = (result(rule()).model_copy(update={"evaluated_at": NOW + timedelta(seconds=number)}),)
        verdict = Verdict(table="t", run_id=run_id, results=results, report_uri=report)
        ops.write(verdict_key("t", run_id), verdict.model_dump_json().encode())
        refresh_index(ops, "t", "A table.")  # type: ignore[arg-type]  # as much of a bucket as it needs

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(finish, range(16)))
    page = ops.objects[report_index_key("t")].decode()
    assert [f'href="2026-11-21/run-{number}.html"' in page for number in range(16)] == [True] * 16
