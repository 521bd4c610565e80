"""The page and the chart that show the results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.contest import FIRELAKE, FLOOR, Standing
from bench.results import Contest, Results
from bench.targets import machine

_OURS, _THEIRS, _BEST = "#d1495b", "#9aa5b1", "#3d5a80"


def write(results: Results, docs: Path) -> None:
    """Write ``benchmarks.md``, ``benchmarks.svg`` and ``benchmarks.json`` into a folder."""
    results.save(docs / "benchmarks.json")
    _chart(results.contests[-1], docs / "benchmarks.svg")
    (docs / "benchmarks.md").write_text("\n".join(_page(results)) + "\n")


def _chart(contest: Contest, path: Path) -> None:
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    standings = list(reversed(contest.standings))
    names = [standing.contender.name for standing in standings]
    bars = axes.barh(names, [standing.cpu_s for standing in standings], color=[_colour(n) for n in names])
    axes.bar_label(bars, fmt="%.1f", padding=4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(f"CPU-seconds for {_described(contest)}")
    # The same figures make the same bytes, so that the chart changes only when they do.
    with mpl.rc_context({"svg.hashsalt": "firelake", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def _colour(name: str) -> str:
    return {FIRELAKE: _OURS, FLOOR: _BEST}.get(name, _THEIRS)


def _described(contest: Contest) -> str:
    corpus = contest.corpus
    return f"{corpus.records:,} records, {corpus.bytes_json / 1e6:,.0f} MB of JSON"


def _page(results: Results) -> Iterator[str]:
    last = results.contests[-1]
    yield "# Benchmarks"
    yield ""
    yield from _summary(last)
    yield ""
    yield "![CPU-seconds of each contender](benchmarks.svg)"
    yield ""
    yield from _verdict(results)
    yield ""
    yield f"Made by `make bench` (`make bench-large` adds ten times the data) on {machine()}."
    yield "The raw figures are in [benchmarks.json](benchmarks.json)."
    if results.scale != 1:
        yield f"This was a trial with `--scale {results.scale:g}`: what starting takes weighs too much."
    yield ""
    yield from _rules()
    for contest in results.contests:
        yield ""
        yield from _table(contest)
    yield ""
    yield from _scaling(results)
    yield ""
    yield from _targets(results)


def _summary(contest: Contest) -> Iterator[str]:
    ours = contest.of(FIRELAKE)
    yield (
        f"Firelake compacts {_described(contest)} in {ours.cpu_s:.1f} CPU-seconds and "
        f"{ours.peak_rss_bytes >> 20} MiB, with every record typed, traced to its object and accounted for. "
        f"That is {contest.cpu_ratio(FIRELAKE, FLOOR):.1f} times what the machine needs at best, "
        f"{contest.cpu_ratio(FIRELAKE, 'DuckDB'):.1f} times bare DuckDB, "
        f"and {_less(contest, 'Polars')} than Polars, {_less(contest, 'pandas')} than pandas and "
        f"{_less(contest, 'PySpark')} than PySpark, which do less."
    )


def _verdict(results: Results) -> Iterator[str]:
    """Say how many targets are met, and by how much the others are missed."""
    targets = list(results.targets())
    missed = [target for target in targets if not target.met]
    yield f"Of the {len(targets)} [targets](#targets) {len(targets) - len(missed)} are met."
    for target in missed:
        yield f"Missed: {target.text}; it is {target.reached}."


def _less(contest: Contest, name: str) -> str:
    ratio = contest.cpu_ratio(name, FIRELAKE)
    return f"{ratio:.1f} times less" if ratio >= 1 else f"{1 / ratio:.1f} times more"


def _rules() -> Iterator[str]:
    yield "## The job"
    yield ""
    yield "Seeded device telemetry as Firehose delivers it: gzip objects of JSON records without anything"
    yield "between them, one in 200 a repetition of another. Out come typed columns, each record once, sorted"
    yield "by device and time, as ZSTD Parquet. Every contender must arrive at exactly the distinct records."
    yield "Each runs in a process of its own, start and imports included, all in turn, in rounds; figures are"
    yield "medians, and the spread is how far the rounds lie apart. CPU-seconds are user and system time of"
    yield "the process and all its descendants; memory is what they hold resident together at most."
    yield ""
    yield "Firelake is the whole `compact()` of a day over a folder in place of S3: discovery and ledger,"
    yield "salvage, types checked against the spec, late and future records, undeclared fields, the key and"
    yield "position of every row, quarantine, and books that must balance, within 512 MiB for its engine."
    yield "The floor is a C++ program (igzip, simdjson, Arrow) that trusts its input blindly and keeps all of"
    yield "it in memory. No other contender checks, traces or counts anything. Polars and pandas read lines"
    yield "only: for Polars newlines are inserted, for pandas records are decoded one by one, as users of"
    yield "awswrangler do."


def _table(contest: Contest) -> Iterator[str]:
    rounds = "once" if contest.rounds == 1 else f"{contest.rounds} rounds"
    yield f"## {_described(contest)}, {contest.corpus.objects:,} objects, {rounds}"
    yield ""
    headings = ["CPU-s", "spread", "of the floor", "of Firelake", "wall s", "peak MiB", "Parquet MB", "rows"]
    yield f"| | {' | '.join(headings)} | leaves out |"
    yield f"| --- |{' --: |' * len(headings)} --- |"
    for standing in contest.standings:
        yield _row(contest, standing)


def _row(contest: Contest, standing: Standing) -> str:
    name = standing.contender.name
    spread = f"{standing.spread:.0%}" if contest.rounds > 1 else ""
    cells = (
        f"**{name}**" if name == FIRELAKE else name,
        f"{standing.cpu_s:.2f}",
        spread,
        f"{contest.cpu_ratio(name, FLOOR):.2f}x",
        f"{contest.cpu_ratio(name, FIRELAKE):.2f}x",
        f"{standing.wall_s:.1f}",
        f"{standing.peak_rss_bytes >> 20:,}",
        f"{standing.bytes_parquet / 1e6:.1f}",
        f"{standing.rows:,}",
        standing.contender.leaves_out,
    )
    return f"| {' | '.join(cells)} |"


def _scaling(results: Results) -> Iterator[str]:
    yield "## How Firelake scales"
    yield ""
    yield "| | objects | CPU-s | wall s | peak MiB |"
    yield "| --- | --: | --: | --: | --: |"
    contests = [*results.contests, results.few_objects, results.many_objects]
    for contest in [*contests, *([results.large] if results.large else [])]:
        ours = contest.of(FIRELAKE)
        yield (
            f"| {_described(contest)} | {contest.corpus.objects:,} | {ours.cpu_s:.2f} | {ours.wall_s:.1f} "
            f"| {ours.peak_rss_bytes >> 20:,} |"
        )
    yield ""
    yield "What finding a day's 400 objects takes, the day before swept for late ones:"
    yield ""
    yield "| keys in the bucket | keys listed | list requests | seconds |"
    yield "| --: | --: | --: | --: |"
    for listing in results.histories:
        counts = f"{listing.keys_stored:,} | {listing.keys_listed:,} | {listing.requests:,}"
        yield f"| {counts} | {listing.seconds:.3f} |"


def _targets(results: Results) -> Iterator[str]:
    yield "## Targets"
    yield ""
    yield "| target | measured | met |"
    yield "| --- | --: | --- |"
    for target in results.targets():
        yield f"| {target.text} | {target.reached} | {'yes' if target.met else '**no**'} |"
