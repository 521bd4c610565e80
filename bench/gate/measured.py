"""One measurement of the gate, in a process of its own: ``python -m bench.gate.measured VARIANT …``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from firelake.quality.gate import GateSubject, evaluate

from bench.gate.rows import suite_of_twelve, whole_suite


@dataclass(frozen=True)
class Measurement:
    """What one variant took, the loading of libraries left out.

    Parameters
    ----------
    rules
        How many it evaluated.
    cpu_s
        User and system time.
    peak_rss_bytes
        Most memory that its process ever held, libraries included.
    """

    variant: str
    rows: int
    rules: int
    seconds: float
    cpu_s: float
    peak_rss_bytes: int


def measure(variant: str, file: Path, rows: int) -> Measurement:
    """Measure a variant on a file of rows."""
    command = [sys.executable, "-m", __spec__.name, variant, str(file), str(rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 (our own)
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def cpu_s() -> float:
    """Return the CPU time of this process and of those it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _twelve(file: Path, folder: Path) -> int:
    return _passed(suite_of_twelve(file, folder))


def _suite(file: Path, _: Path) -> int:
    return _passed(whole_suite(file))


def _pandas(file: Path, folder: Path) -> int:
    """Evaluate the twelve as Great Expectations does by itself: with pandas, all rows in memory."""
    import pandas as pd
    from firelake.quality import evaluator
    from firelake.quality.binding import Binder
    from firelake.quality.suite import load_suite
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine.pandas_batch_data import PandasBatchData
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine

    subject = suite_of_twelve(file, folder)
    rules = load_suite(subject.suite, subject.columns).rules
    binder = Binder(subject.suite, subject.columns, {})
    engine = PandasExecutionEngine()
    batch = Batch(data=PandasBatchData(execution_engine=engine, dataframe=pd.read_parquet(file)))  # type: ignore[arg-type]  # it takes objects, not classes
    configs = evaluator.configurations(rules, {rule.name: binder.kwargs(rule) for rule in rules})
    found = evaluator.validate(engine, batch, configs)
    if failed := [name for name, finding in found.items() if not finding.success]:
        raise SystemExit(f"pandas fails rows that should pass: {failed}")
    return len(found)


def _passed(subject: GateSubject) -> int:
    result = evaluate(subject)
    if not result.passed:
        raise SystemExit(f"the gate blocks rows that should pass: {result.blocking}")
    return len(result.rules)


VARIANTS: dict[str, Callable[[Path, Path], int]] = {"twelve": _twelve, "suite": _suite, "pandas": _pandas}


def main() -> None:
    """Print a measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("file", type=Path)
    parser.add_argument("rows", type=int)
    options = parser.parse_args()
    # They take seconds to load; an Airflow worker has done that before it forks.
    for module in ("firelake.quality.evaluator", "pandas"):
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as folder:
        started, cpu_before = time.perf_counter(), cpu_s()
        rules = VARIANTS[options.variant](options.file, Path(folder))
        found = Measurement(
            variant=options.variant,
            rows=options.rows,
            rules=rules,
            seconds=time.perf_counter() - started,
            cpu_s=cpu_s() - cpu_before,
            # Linux counts memory in KiB.
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
