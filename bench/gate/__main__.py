"""The gate on ten million rows of ten columns, and beside compaction: ``python -m bench.gate``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.gate import measured, overhead
from bench.gate.page import GateResults
from bench.gate.rows import ensure_rows
from bench.telemetry import Corpus, Size

_LARGE = 10
_RUN = Size(1_000_000, 100)


def main() -> None:
    """Measure everything, write the page, and say whether the targets are met."""
    options = _arguments()
    file = ensure_rows(options.folder, options.rows)
    measurements = [measured.measure(variant, file, options.rows) for variant in measured.VARIANTS]
    large: list[measured.Measurement] = []
    if options.large:
        rows = _LARGE * options.rows
        many = ensure_rows(options.folder, rows)
        # All these rows do not fit into pandas on a worker.
        large = [measured.measure(variant, many, rows) for variant in ("twelve", "suite")]
    results = GateResults(
        tuple(measurements), tuple(large), overhead.measure(Corpus.ensure(options.folder / "raw", _RUN))
    )
    results.write(options.docs)
    for target in results.targets():
        print(f"{'met    ' if target.met else 'NOT MET'}  {target.text}: {target.reached}")
    print(f"See {options.docs / 'gate-benchmarks.md'}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the file (default 10 million)")
    parser.add_argument("--large", action="store_true", help="also ten times as many rows")
    parser.add_argument("--folder", type=Path, default=Path("var/bench/gate"), help="for data that is kept")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the page goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
