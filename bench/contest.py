"""The contest: each contender on the same data, in rounds, so that the machine's moods hit all alike."""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from bench.floor_build import build
from bench.measure import Cost, measure
from bench.telemetry import Corpus

FLOOR, FIRELAKE = "floor", "Firelake"


@dataclass(frozen=True)
class Contender:
    """A program that does the job.

    Parameters
    ----------
    leaves_out
        What of Firelake's work it does not do.
    module
        Below ``bench.contenders``; empty for the floor, which is no Python.
    """

    name: str
    leaves_out: str
    module: str = ""


_NO_BOOKS = "checks, lineage, quarantine, accounting"
CONTENDERS = (
    Contender(FLOOR, f"{_NO_BOOKS}, a limit of memory"),
    Contender(FIRELAKE, "nothing", "firelake_whole"),
    Contender("DuckDB", _NO_BOOKS, "duckdb_alone"),
    Contender("chDB", _NO_BOOKS, "chdb_alone"),
    Contender("Polars", _NO_BOOKS, "polars_alone"),
    Contender("pandas", _NO_BOOKS, "pandas_alone"),
    Contender("PySpark", _NO_BOOKS, "spark_alone"),
)
_ENVIRONMENT = {
    "PYTHONPATH": ".:plugins",
    # As installed: compiled once, not at every start.
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": "var/bench/pycache",
}


@dataclass(frozen=True)
class Run:
    """One contender's run."""

    contender: str
    cost: Cost
    rows: int
    bytes_parquet: int


@dataclass(frozen=True)
class Standing:
    """A contender's runs on one corpus, in short.

    Parameters
    ----------
    cpu_s
        Median; ``spread`` is how far the runs lie apart, as a share of it.
    """

    contender: Contender
    cpu_s: float
    spread: float
    wall_s: float
    peak_rss_bytes: int
    rows: int
    bytes_parquet: int

    @classmethod
    def of(cls, contender: Contender, runs: Sequence[Run]) -> Standing:
        """Sum up some runs; memory is the most that any took."""
        cpu = [run.cost.cpu_s for run in runs]
        return cls(
            contender,
            statistics.median(cpu),
            (max(cpu) - min(cpu)) / statistics.median(cpu),
            statistics.median(run.cost.wall_s for run in runs),
            max(run.cost.peak_rss_bytes for run in runs),
            runs[0].rows,
            runs[0].bytes_parquet,
        )


@dataclass(frozen=True)
class Arena:
    """Where contests are held: a folder for programs and output."""

    folder: Path

    def contest(
        self, corpus: Corpus, rounds: int, contenders: Sequence[Contender] = CONTENDERS
    ) -> list[Standing]:
        """Run every contender once a round, one after the other.

        Raises
        ------
        RuntimeError
            If one does not arrive at the rows that differ from each other.
        """
        runs: dict[Contender, list[Run]] = {contender: [] for contender in contenders}
        for number in range(rounds):
            for contender in contenders:
                run = self.run(contender, corpus)
                _say(f"round {number + 1} of {rounds}, {corpus.records:,} records: {_in_short(run)}")
                runs[contender].append(run)
        return [Standing.of(contender, runs[contender]) for contender in contenders]

    def run(self, contender: Contender, corpus: Corpus) -> Run:
        """Run one contender."""
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        arguments = (str(corpus.folder), str(out))
        cost = measure([*self._program(contender), *arguments], _ENVIRONMENT)
        files = [path for path in out.rglob("*.parquet") if "/scratch/" not in str(path)]
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        bytes_parquet = sum(path.stat().st_size for path in files)
        shutil.rmtree(out)
        if rows != corpus.distinct:
            raise RuntimeError(f"{contender.name}: {rows} rows came out, {corpus.distinct} are right")
        return Run(contender.name, cost, rows, bytes_parquet)

    def _program(self, contender: Contender) -> list[str]:
        if not contender.module:
            return [str(build(self.folder))]
        return [sys.executable, "-m", f"bench.contenders.{contender.module}"]


def _in_short(run: Run) -> str:
    return (
        f"{run.contender} {run.cost.cpu_s:.2f} CPU-s, {run.cost.wall_s:.1f} s, "
        f"{run.cost.peak_rss_bytes >> 20} MiB"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
