"""The data dictionary of the summary tables, written from their folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile

from firelake.markdown import table
from firelake.summary.figures import Figure
from firelake.summary.spec import Summary, SummaryColumn, SummaryPartition, SummaryTable, load_summaries

_INTRODUCTION = """\
# Summary tables

Written from `include/sql/` by `python -m firelake.summary.dictionary`; do not edit.

All are in the database `summary`. Days and hours are UTC. A partition is replaced as a whole, after its rules
have passed, whenever trusted rows that it is made of have changed: refreshing what changed gives the same
rows as rebuilding everything. Figures are rounded to 6 digits; shares go from 0 to 1."""


def dictionary(summaries: Iterable[Summary]) -> str:
    """Return the dictionary as Markdown."""
    tables = sorted(summaries, key=lambda summary: (summary.table.sources, summary.table.name))
    index = (
        (f"[`{each.table.name}`](#{each.table.name})", each.table.description, _sources(each.table))
        for each in tables
    )
    parts = [_INTRODUCTION, "", *table(("table", "a row is", "made of"), index)]
    for summary in tables:
        parts += ["", *_section(summary)]
    return "\n".join(parts) + "\n"


def _section(summary: Summary) -> Iterator[str]:
    declared = summary.table
    yield f"## {declared.name}"
    yield ""
    yield declared.description
    yield ""
    key = ", ".join(f"`{name}`" for name in declared.grain)
    yield f"- One row for each: {key}"
    yield f"- Made of: {_sources(declared)}, {_reach(declared.partition)}"
    yield f"- Owner: {declared.owner}"
    yield f"- Query: `include/sql/{declared.name}_v{declared.version}/query.sql`; rules: `{declared.checks}`"
    for equality in declared.reconcile.values():
        ours, theirs = _figure(equality.summary), _figure(equality.trusted)
        yield f"- Reconciled: `{ours}` is `{theirs}` of `{equality.source}`. {equality.description}"
    yield ""
    yield from _rule(summary.query)
    yield from table(("column", "type", "unit", "meaning"), map(_column, declared.columns))


def _column(column: SummaryColumn) -> tuple[str, str, str, str]:
    null = "" if column.required else " (may be null)"
    return f"`{column.name}`", str(column.type), column.unit or "", column.description + null


def _figure(figure: Figure) -> str:
    distinct = "distinct " if figure.distinct else ""
    return f"{figure.function}({distinct}{figure.column or '*'})"


def _rule(query: str) -> Iterator[str]:
    """Yield the comment that a query begins with: how its rows are defined."""
    for line in takewhile(lambda line: line.startswith("--"), query.splitlines()):
        yield f"> {line.removeprefix('--').strip()}"
    yield ""


def _sources(declared: SummaryTable) -> str:
    return ", ".join(f"`trusted.{name}`" for name in declared.sources)


def _reach(partition: SummaryPartition) -> str:
    if partition.reads == (0,):
        return f"the same {partition.grain}"
    places = (f"{place:+d}" if place else "0" for place in partition.reads)
    return f"{partition.grain}s {', '.join(places)}, counted from its own"


if __name__ == "__main__":
    print(dictionary(load_summaries()), end="")
