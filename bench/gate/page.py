"""The page and the figures that show what the gate takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.gate.measured import Measurement
from bench.gate.overhead import Shares
from bench.targets import Target, at_most, machine

_GB = 1_000_000_000
_NAMES = {
    "twelve": "**twelve expectations**",
    "suite": "the example dataset's whole suite, derived rules included",
    "pandas": "the twelve on Great Expectations' own pandas engine, loading included",
}


@dataclass(frozen=True)
class GateResults:
    """Everything one run of the gate's benchmark measured.

    Parameters
    ----------
    large
        On ten times the rows; none if that was not asked for.
    """

    measurements: Sequence[Measurement]
    large: Sequence[Measurement]
    overhead: Shares

    def targets(self) -> Iterator[Target]:
        """Hold the measurements to what the gate should reach."""
        twelve = self.measurements[0]
        yield at_most(f"Twelve expectations on {twelve.rows:,} rows", twelve.seconds, 6, " s")
        yield at_most("Peak memory of that", twelve.peak_rss_bytes / _GB, 1.5, " GB")
        for found in self.large[:1]:
            yield at_most(f"Peak memory on {found.rows:,} rows", found.peak_rss_bytes / _GB, 4.5, " GB")
        yield at_most("Share of a run's CPU-seconds", 100 * self.overhead.gate, 15, " %")

    def write(self, docs: Path) -> None:
        """Write ``gate-benchmarks.md`` and ``gate-benchmarks.json`` into a folder."""
        (docs / "gate-benchmarks.md").write_text("\n".join(_page(self)) + "\n", encoding="utf-8")
        facts = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
        facts |= asdict(self) | {"targets": [asdict(target) for target in self.targets()]}
        (docs / "gate-benchmarks.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _page(results: GateResults) -> Iterator[str]:
    large = " The rows of the large case were asked for by `--large`." if results.large else ""
    yield "# What the gate takes"
    yield ""
    yield f"Made by `make bench-gate` on {machine()}.{large}"
    yield "The raw figures are in [gate-benchmarks.json](gate-benchmarks.json)."
    yield ""
    yield "Rows of ten columns in one Parquet file, as compaction stages them; all hold to the rules. Each"
    yield "case runs in a process of its own that has loaded its libraries, as a worker has; memory is all"
    yield "that the process ever held."
    yield ""
    yield "| | rows | rules | s | CPU-s | peak GB |"
    yield "| --- | --: | --: | --: | --: | --: |"
    for one in (*results.measurements, *results.large):
        yield (
            f"| {_NAMES[one.variant]} | {one.rows:,} | {one.rules} | {one.seconds:.1f} | {one.cpu_s:.1f} "
            f"| {one.peak_rss_bytes / _GB:.2f} |"
        )
    yield ""
    yield "## Beside compaction"
    yield ""
    yield (
        f"A run over {results.overhead.records:,} raw records takes {results.overhead.compact_cpu_s:.1f} "
        f"CPU-seconds to compact and {results.overhead.gate_cpu_s:.1f} for the whole of the gate: every "
        "rule, the profile that later days are compared with, drift, report, history and index."
    )
    yield ""
    yield "## Targets"
    yield ""
    yield "| target | measured | met |"
    yield "| --- | --: | --- |"
    for target in results.targets():
        yield f"| {target.text} | {target.reached} | {'yes' if target.met else '**no**'} |"
