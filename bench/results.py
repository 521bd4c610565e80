"""What was measured, and what it says of the targets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.contest import FIRELAKE, FLOOR, Standing
from bench.history import Listing
from bench.targets import GIB, Target, at_least, at_most, machine
from bench.telemetry import Corpus


@dataclass(frozen=True)
class Contest:
    """All contenders on one corpus."""

    corpus: Corpus
    rounds: int
    standings: Sequence[Standing]

    def of(self, name: str) -> Standing:
        """Return a contender's standing."""
        return next(standing for standing in self.standings if standing.contender.name == name)

    def cpu_ratio(self, name: str, other: str) -> float:
        """Return how many times the CPU of another contender one takes."""
        return self.of(name).cpu_s / self.of(other).cpu_s


@dataclass(frozen=True)
class Results:
    """Everything one run of the benchmarks measured.

    Parameters
    ----------
    contests
        The smaller ones, in rounds, first.
    few_objects, many_objects
        Firelake on the same bytes in few and in many objects.
    large
        Firelake on ten times the data of the last contest, if that was asked for.
    scale
        Share of the usual data that was used.
    """

    contests: Sequence[Contest]
    few_objects: Contest
    many_objects: Contest
    histories: Sequence[Listing]
    large: Contest | None
    scale: float = 1

    def targets(self) -> Iterator[Target]:
        """Hold the measurements to what Firelake should reach."""
        contest = self.contests[-1]
        ours = contest.of(FIRELAKE)
        yield at_most("CPU-seconds against the floor", contest.cpu_ratio(FIRELAKE, FLOOR), 1.8, "x")
        yield at_most("CPU-seconds against chDB", contest.cpu_ratio(FIRELAKE, "chDB"), 1.0, "x")
        yield at_least("CPU-seconds of pandas against ours", contest.cpu_ratio("pandas", FIRELAKE), 8, "x")
        yield at_least("CPU-seconds of PySpark against ours", contest.cpu_ratio("PySpark", FIRELAKE), 5, "x")
        yield at_most("Peak memory", ours.peak_rss_bytes / GIB, 1.2, " GiB")
        objects = self.many_objects.of(FIRELAKE).cpu_s / self.few_objects.of(FIRELAKE).cpu_s
        yield at_most("The same bytes in 50 times the objects, CPU-seconds", objects, 2, "x")
        first, last = self.histories[0], self.histories[-1]
        yield at_most(
            f"Keys listed for a day behind {last.keys_stored:,} keys",
            last.keys_listed / first.keys_listed,
            1,
            "x",
        )
        if self.large is not None:
            theirs = self.large.of(FIRELAKE)
            yield at_most("Ten times the data, CPU-seconds", theirs.cpu_s / ours.cpu_s, 11, "x")
            yield at_most("Peak memory at ten times the data", theirs.peak_rss_bytes / GIB, 1.2, " GiB")

    def save(self, path: Path) -> None:
        """Write the raw figures as JSON."""
        facts = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
        facts |= asdict(self) | {"targets": [asdict(target) for target in self.targets()]}
        path.write_text(json.dumps(facts, indent=1, default=_plain) + "\n")


def _plain(value: Any) -> str:
    return str(value)
