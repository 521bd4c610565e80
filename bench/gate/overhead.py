"""The gate's share of a run's CPU time: ``python -m bench.gate.overhead CORPUS``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import firelake.quality.evaluator
from firelake.compact.engine import compact
from firelake.drift import detect
from firelake.periods import Grain, Period, PeriodRange
from firelake.quality import checkpoint
from firelake.spec import find_dataset
from firelake.tables import OPERATIONAL

from bench.folder_lake import folder_lake
from bench.gate.measured import cpu_s
from bench.gate.rows import DATASET
from bench.telemetry import DAY, Corpus

_T = TypeVar("_T")


@dataclass(frozen=True)
class Shares:
    """CPU-seconds of a run's compaction and of its gate, with report, history and index."""

    records: int
    compact_cpu_s: float
    gate_cpu_s: float

    @property
    def gate(self) -> float:
        """The gate's share of both; publishing, which takes a moment, is left out."""
        return self.gate_cpu_s / (self.compact_cpu_s + self.gate_cpu_s)


def measure(corpus: Corpus) -> Shares:
    """Measure a run over some raw data, in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, str(corpus.folder), str(corpus.records)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 (our own)
    return Shares(**json.loads(done.stdout.splitlines()[-1]))


def _run(raw: Path, records: int, out: Path) -> Shares:
    dataset = find_dataset(DATASET)
    day = Period(DAY, Grain.DAY)
    # A folder has no Glue catalog, hence no table that a crawler made.
    with folder_lake(raw, out, dataset) as lake, patch.object(detect, "_crawled", lambda *_: {}):
        for declaration in OPERATIONAL:
            declaration.ensure(lake)
        stage, compact_cpu_s = _timed(lambda: compact(lake, dataset, PeriodRange(day, day), "bench"))
        verdict, gate_cpu_s = _timed(lambda: checkpoint.judge_stage(lake, dataset, stage))
    if not verdict.passed or stage.trusted.rows != stage.accounting.trusted_new:
        raise SystemExit("the gate did not let the run pass, or not all of it")
    return Shares(records, compact_cpu_s, gate_cpu_s)


def _timed(step: Callable[[], _T]) -> tuple[_T, float]:
    before = cpu_s()
    done = step()
    return done, cpu_s() - before


if __name__ == "__main__":
    assert firelake.quality.evaluator  # noqa: S101 (loaded before, as a worker does)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asdict(_run(Path(sys.argv[1]), int(sys.argv[2]), Path(folder)))))
