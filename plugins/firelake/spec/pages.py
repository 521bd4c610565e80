"""A page for each dataset, written from its YAML: what people ask before they use it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from firelake.layout import Lake, Zone
from firelake.markdown import table
from firelake.spec.dataset import Column, Dataset, LifecycleStep
from firelake.spec.load import DATASETS_DIR, PROJECT_ROOT, load_datasets

PAGES_DIR = PROJECT_ROOT / "docs" / "datasets"


def dataset_page(dataset: Dataset) -> str:
    """Return what a dataset's YAML declares, as Markdown for its readers."""
    return "\n".join(_lines(dataset)) + "\n"


def write_pages(target: Path, datasets: Path = DATASETS_DIR) -> list[Path]:
    """Write the page of every dataset into a folder, and remove pages of datasets that are gone."""
    target.mkdir(parents=True, exist_ok=True)
    pages = {target / f"{dataset.name}.md": dataset_page(dataset) for dataset in load_datasets(datasets)}
    for path in set(target.glob("*.md")) - pages.keys():
        path.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return sorted(pages)


def _lines(dataset: Dataset) -> Iterator[str]:
    lake = Lake("firelake")
    yield f"# {dataset.name}"
    yield ""
    yield f"Written from `include/datasets/{dataset.name}.yaml` by `python -m firelake.spec.pages`."
    yield ""
    yield dataset.description
    yield ""
    yield from table(("", ""), _facts(dataset, lake))
    yield ""
    yield "## Columns"
    yield ""
    yield from table(("column", "type", "unit", "from", "meaning"), map(_column, dataset.columns))
    yield ""
    yield "Each row also has `_extra` (undeclared fields), `_raw_object` and `_raw_position` (its origin)."
    yield ""
    yield "## What is refused"
    yield ""
    yield (
        f"Records older than {_duration(dataset.max_lateness)} on arrival, or more than "
        f"{_duration(dataset.max_skew)} ahead of it; those without a required column; values "
        "that do not read as their type without loss. More than "
        f"{dataset.quality.max_quarantine_rate:.1%} of a run in quarantine publishes nothing. "
        f"Further rules: `{_below_root(dataset.quality.suite)}`."
    )
    yield ""
    yield "## Storage"
    yield ""
    yield from table(("zone", "after", "what"), _tiers(dataset))


def _facts(dataset: Dataset, lake: Lake) -> Iterator[tuple[str, str]]:
    yield "owner", dataset.owner
    yield "trusted table", f"`{lake.database(Zone.TRUSTED)}.{dataset.name}`"
    yield "quarantine", f"`{lake.database(Zone.QUARANTINE)}.{dataset.name}`"
    yield "raw objects", f"`{dataset.raw.prefix}` in the lake's raw bucket"
    yield "a run takes in", f"one {dataset.raw.arrival_period} of arrival, at `{dataset.cron}` UTC"
    yield "partitioned by", f"{dataset.partition_by} of `{dataset.event_time}`, UTC"
    yield "sorted by", ", ".join(f"`{name}`" for name in dataset.sort_by) or "event time"
    yield "the same record", _identity(dataset)
    yield "fresh within", _duration(dataset.freshness)
    yield "personal data", ", ".join(f"`{one.name}`" for one in dataset.columns if one.pii) or "none"


def _identity(dataset: Dataset) -> str:
    match dataset.identity:
        case "content":
            return "all columns are equal"
        case "position":
            return "never: each place in raw is a record"
        case names:
            return "equal " + ", ".join(f"`{name}`" for name in names)


def _column(column: Column) -> tuple[str, str, str, str, str]:
    paths = ", ".join(f"`{path}`" for path in (column.path, *column.aliases))
    notes = [note for note, holds in (("required", column.required), ("personal data", column.pii)) if holds]
    meaning = column.description + (f" ({', '.join(notes)})" if notes else "")
    return f"`{column.name}`", f"`{column.type}`", column.unit or "", paths, meaning


def _tiers(dataset: Dataset) -> Iterator[tuple[str, str, str]]:
    zones = (
        ("raw", dataset.lifecycle.raw),
        ("trusted", dataset.lifecycle.trusted),
        ("quarantine", dataset.lifecycle.quarantine),
    )
    for zone, steps in zones:
        for step in steps:
            yield zone, _duration(step.after), _step(step)


def _step(step: LifecycleStep) -> str:
    return "removed" if step.to is None else str(step.to)


def _duration(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    if not seconds:
        return "at once"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _below_root(path: Path) -> str:
    return str(path.relative_to(PROJECT_ROOT) if path.is_absolute() else path)


if __name__ == "__main__":
    for page in write_pages(PAGES_DIR):
        print(page.relative_to(PROJECT_ROOT), file=sys.stdout)
