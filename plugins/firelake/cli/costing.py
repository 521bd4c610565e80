"""``cost``."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from firelake.cli.answer import Answer, progress, table
from firelake.cli.selected import dataset_of
from firelake.cost import (
    DatasetCost,
    Line,
    Scenario,
    estimate,
    load_prices,
    measure,
    measure_queries,
    query_line,
)
from firelake.layout import Lake
from firelake.spec import load_datasets

_COLUMNS = ("dataset", "zone", "item", "quantity", "unit", "per_month")


def cost(options: argparse.Namespace) -> Answer:
    """Say what datasets cost a month, what a year will cost, and what would be cheaper."""
    lake, prices = Lake.from_environment(), load_prices()
    everything = options.dataset is None and options.spec is None
    datasets = load_datasets() if everything else [dataset_of(options)]
    found: list[DatasetCost] = []
    for dataset in datasets:
        progress(f"{dataset.name}: count objects, records and crawls")
        found.append(estimate(dataset, measure(lake, dataset), prices, options.months))
    shared = query_line(measure_queries(lake, prices.athena.smallest_query_bytes), prices)
    if options.csv:
        _write_csv(options.csv, found, shared)
    outcome = {
        "lake": lake.name,
        "prices": {"source": prices.source, "date": prices.date.isoformat(), "region": prices.region},
        "datasets": [{**one.model_dump(mode="json"), "per_month": one.per_month} for one in found],
        "shared": shared.model_dump(mode="json"),
    }
    lines = [line for one in found for line in _dataset_lines(one)]
    total = sum(one.per_month for one in found) + shared.per_month
    lines += [
        f"all queries of the lake: {shared.quantity:,.0f} a month, {_money(shared.per_month)}",
        f"together {_money(total)} {prices.currency} a month; prices of {prices.region}, {prices.date}",
    ]
    return Answer(outcome, tuple(lines))


def _dataset_lines(found: DatasetCost) -> Iterator[str]:
    yield f"{found.dataset}: {_money(found.per_month)} {found.currency} a month, by {found.days} arrival days"
    yield from _indented(
        table(("zone", "item", "quantity", "unit", "a month"), [_row(one) for one in found.lines])
    )
    months = len(found.scenarios[0].months)
    header = ("zone", "storage", f"in {months} months", "in the last", "lifecycle")
    yield from _indented(table(header, [_scenario_row(one) for one in found.scenarios]))
    for suggestion in found.suggestions:
        yield f"  cheaper: {suggestion}"


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _row(line: Line) -> tuple[str, ...]:
    return line.zone, line.item, f"{line.quantity:,.3f}", line.unit, _money(line.per_month)


def _scenario_row(scenario: Scenario) -> tuple[str, ...]:
    return scenario.zone, scenario.name, _money(scenario.total), _money(scenario.months[-1]), scenario.steps


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.6f}"


def _write_csv(path: Path, found: Sequence[DatasetCost], shared: Line) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(
            {"dataset": one.dataset, **line.model_dump(mode="json")} for one in found for line in one.lines
        )
        writer.writerow({"dataset": "", **shared.model_dump(mode="json")})
    progress(f"{path}: written")
