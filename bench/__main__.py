"""The benchmarks: ``python -m bench``, as ``make bench`` calls it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench import report
from bench.contest import CONTENDERS, FIRELAKE, Arena, Contender
from bench.history import list_a_day
from bench.results import Contest, Results
from bench.telemetry import Corpus, Size

_WARM_UP = Size(40_000, 40)
_ROUNDS_AT = Size(1_000_000, 100)
_ONCE_AT = Size(4_000_000, 400)
_LARGE = Size(40_000_000, 4_000)
# 5 KB an object, or 250 KB.
_MANY, _FEW = Size(520_000, 20_000), Size(520_000, 400)
# With 400 keys a day: two days, and a million keys.
_HISTORIES = (1, 2_499)


def main() -> None:
    """Measure everything and write the page."""
    arguments = _arguments()
    hold = partial(_contest, Arena(arguments.folder), arguments.scale)
    firelake = [contender for contender in CONTENDERS if contender.name == FIRELAKE]
    hold(_WARM_UP, CONTENDERS, rounds=1)
    results = Results(
        contests=(
            hold(_ROUNDS_AT, CONTENDERS, arguments.rounds),
            hold(_ONCE_AT, CONTENDERS, rounds=1),
        ),
        few_objects=hold(_FEW, firelake, arguments.rounds),
        many_objects=hold(_MANY, firelake, arguments.rounds),
        histories=tuple(list_a_day(days) for days in _HISTORIES),
        large=hold(_LARGE, firelake, rounds=1) if arguments.large else None,
        scale=arguments.scale,
    )
    report.write(results, arguments.docs)
    for target in results.targets():
        print(f"{'met    ' if target.met else 'NOT MET'}  {target.text}: {target.reached}")
    print(f"See {arguments.docs / 'benchmarks.md'}.")


def _contest(arena: Arena, scale: float, size: Size, contenders: Sequence[Contender], rounds: int) -> Contest:
    corpus = Corpus.ensure(arena.folder / "data", size.scaled(scale))
    return Contest(corpus, rounds, arena.contest(corpus, rounds, contenders))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the smaller contests (default 3)")
    parser.add_argument("--scale", type=float, default=1, help="share of the usual data (default 1)")
    parser.add_argument("--large", action="store_true", help="also Firelake on ten times the data")
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="for data and scratch")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the page goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
