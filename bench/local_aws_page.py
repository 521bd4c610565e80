"""What was measured of Local AWS, and the page that shows it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.targets import Target, at_least, at_most, machine

_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Rate:
    """How fast a server answered.

    Parameters
    ----------
    a_second
        Requests that were answered a second, over four connections.
    cpu_ms
        CPU time of the server for each of them.
    """

    a_second: float
    cpu_ms: float


@dataclass(frozen=True)
class AwsResults:
    """Everything one run measured.

    Parameters
    ----------
    small_batches, large_batches
        PutRecordBatch of 1 and of 500 records.
    small_gets, ministack_gets
        GetObject of a small object, from Local AWS and from ministack alone.
    small_query_p50_ms
        A small Athena query from its start to its rows.
    aggregation_s, aggregation_rows
        An aggregation by Athena, and over how many rows of Parquet.
    start_s, idle_bytes
        From the command to the first answer, and the memory that it then holds.
    """

    small_batches: Rate
    large_batches: Rate
    small_gets: Rate
    ministack_gets: Rate
    small_query_p50_ms: float
    aggregation_s: float
    aggregation_rows: int
    start_s: float
    idle_bytes: int

    def targets(self) -> Iterator[Target]:
        """Hold the measurements to what Local AWS should reach."""
        yield at_least("PutRecordBatch of 1 record", self.small_batches.a_second, 1000, "/s")
        yield at_least("PutRecordBatch of 500 records", self.large_batches.a_second, 1000, "/s")
        ratio = self.small_gets.a_second / self.ministack_gets.a_second
        yield at_least("GET of 1 kB against ministack alone", ratio, 1, "x")
        yield at_most("Small query, median", self.small_query_p50_ms, 60, " ms")
        yield at_most(f"Aggregation over {self.aggregation_rows:,} rows", self.aggregation_s, 2, " s")
        yield at_most("Start", self.start_s, 2, " s")
        yield at_most("Idle memory", self.idle_bytes / _MEBIBYTE, 120, " MiB")


def write(results: AwsResults, docs: Path) -> None:
    """Write ``local-aws-benchmarks.md`` and ``local-aws-benchmarks.json`` into a folder."""
    load_1min = os.getloadavg()[0]
    facts = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_1min": load_1min,
        **asdict(results),
        "targets": [asdict(target) for target in results.targets()],
    }
    (docs / "local-aws-benchmarks.json").write_text(json.dumps(facts, indent=1) + "\n")
    (docs / "local-aws-benchmarks.md").write_text("\n".join(_page(results, load_1min)) + "\n")


def _page(results: AwsResults, load_1min: float) -> Iterator[str]:
    yield "# Local AWS: benchmarks"
    yield ""
    yield f"Made by `make bench-aws` on {machine()}, with a load of {load_1min:.1f} over the last minute."
    yield "The raw figures are in [local-aws-benchmarks.json](local-aws-benchmarks.json)."
    yield ""
    yield "| target | reached | |"
    yield "| --- | ---: | --- |"
    for target in results.targets():
        yield f"| {target.text} | {target.reached} | {'met' if target.met else '**not met**'} |"
    yield ""
    yield "## Requests"
    yield ""
    yield "Four connections send the same request from the same machine, so that clients and server share its"
    yield "cores. The CPU time is the server's, and tells more where other programs run."
    yield ""
    yield "| request | a second | CPU-ms each |"
    yield "| --- | ---: | ---: |"
    rates = {
        "PutRecordBatch, 1 record of 120 bytes": results.small_batches,
        "PutRecordBatch, 500 records of 120 bytes": results.large_batches,
        "GetObject, 1 kB": results.small_gets,
        "GetObject, 1 kB, ministack alone": results.ministack_gets,
    }
    for name, rate in rates.items():
        yield f"| {name} | {rate.a_second:,.0f} | {rate.cpu_ms:.2f} |"
    yield ""
    yield (
        f"{results.large_batches.a_second * 500:,.0f} records a second come in by batches of 500; each"
        " outlives a kill once its put is answered."
    )
    yield "Reads from Local AWS and from ministack alternate, and the median round of each counts."
    yield ""
    yield "## Queries"
    yield ""
    yield "Queries go through boto3 from StartQueryExecution to the rows, asking every 2 ms. The aggregation"
    yield "groups by a text of 5,000 values over one Parquet file; the best of three counts."
