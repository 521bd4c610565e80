"""``make bench-pages``: how long the lake's pages take on 200 datasets with 1,000 runs each.

The lake is made up: tables with a snapshot each, a ledger and a history of rules as a thousand hourly
runs leave them after maintenance. Its pages are read from Local AWS and rendered, without HTTP.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
from firelake.catalog import prepare_lake
from firelake.insight import reading as readings
from firelake.insight.reading import Reading
from firelake.insight.subject import Declared
from firelake.layout import Lake
from firelake.spec import Dataset, load_datasets
from firelake.tables import LEDGER, QUALITY_RESULTS, trusted
from firelake_airflow.ui import views
from firelake_airflow.ui.pages import Pages
from starlette.requests import Request

from tests.fixtures.local_aws import LocalAws

TARGET_MS = 300
RULES = 20
OBJECTS_PER_RUN = 3
REPEATS = 15
END = datetime(2026, 11, 22, tzinfo=UTC)
_RUN = "'run-' || d || '-' || r || '-' || strftime(began, '%Y%m%dT%H%M%SZ') || '-0123abcd'"


@dataclass(frozen=True)
class Size:
    """How large the lake is."""

    datasets: int
    runs: int


@dataclass(frozen=True)
class Timing:
    """How long one page took, in milliseconds; when warm, the shortest of some tries."""

    page: str
    cold: float
    renewed: float
    warm: float
    kib: float


def main() -> int:
    """Make the lake, measure its pages, and say whether they keep to the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lake-pages-") as folder:
        local_aws = LocalAws.start(Path(folder))
        os.environ.update(
            AWS_ENDPOINT_URL=local_aws.endpoint_url,
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",  # noqa: S106 (Local AWS takes any)
            AWS_DEFAULT_REGION="us-east-1",
        )
        try:
            timings = list(measured(Size(options.datasets, options.runs)))
        finally:
            local_aws.stop()
    print(f"{'page':<10} {'first':>9} {'renewed':>9} {'warm':>9} {'size':>9}")
    for one in timings:
        times = "".join(f" {milliseconds:>6.0f} ms" for milliseconds in (one.cold, one.renewed, one.warm))
        print(f"{one.page:<10}{times} {one.kib:>5.0f} KiB")
    slow = [one.page for one in timings if one.warm > TARGET_MS]
    print(f"slower than {TARGET_MS} ms when warm: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def measured(size: Size) -> Iterator[Timing]:
    """Yield how long each page takes: at first, when all that is held is too old, and when it is not."""
    lake, datasets = Lake("bench-pages"), tuple(made_up(size))
    began = time.monotonic()
    prepare_lake(lake, datasets)
    fill(lake, datasets, size)
    print(f"{size.datasets} datasets with {size.runs} runs each, made in {time.monotonic() - began:.0f} s")
    declared = Declared(datasets, ())
    pages = pages_of(datasets[0])
    read = {page: Reading(lake, lambda: declared, lambda: END) for page in pages}
    cold = {page: timed(page, view, read[page])[0] for page, view in pages.items()}
    warm = {
        page: min(timed(page, view, read[page])[0] for _ in range(REPEATS)) for page, view in pages.items()
    }
    time.sleep(readings.LONGEST_S + 1)
    for page, view in pages.items():
        renewed, html = timed(page, view, read[page])
        yield Timing(page, cold[page], renewed, warm[page], len(html) / 1024)


def pages_of(dataset: Dataset) -> dict[str, Callable[[Reading], views.Context]]:
    """Return what gathers each page."""

    def run(reading: Reading) -> views.Context:
        subject = reading.declared().subjects[dataset.name]
        return views.run(reading, subject, reading.gates(dataset.name)[0].run_id)

    return {
        "overview": lambda one: views.overview(one, one.declared().subjects, ""),
        "table": lambda one: views.table(one, one.declared().subjects[dataset.name], ()),
        "quality": lambda one: views.quality(one, one.declared().subjects[dataset.name]),
        "run": run,
        "tiers": lambda one: views.tiers(one, one.declared().subjects),
    }


def timed(page: str, view: Callable[[Reading], views.Context], reading: Reading) -> tuple[float, bytes]:
    """Return how many milliseconds a page takes, and the page."""
    request = Request({"type": "http", "root_path": "/lake", "headers": []})
    began = time.perf_counter()
    body = _PAGES.render(request, f"{page}.html.j2", view(reading)).body
    return 1000 * (time.perf_counter() - began), bytes(body)


def made_up(size: Size) -> Iterator[Dataset]:
    """Yield datasets that differ in name alone."""
    model = load_datasets()[0]
    for number in range(size.datasets):
        name = f"readings_{number:03d}"
        raw = model.raw.model_copy(update={"prefix": f"{name}/", "error_prefix": None})
        yield model.model_copy(update={"name": name, "raw": raw})


def fill(lake: Lake, datasets: tuple[Dataset, ...], size: Size) -> None:
    """Write a row into each table, and what the runs leave in the ledger and the history of rules."""
    for dataset in datasets:
        table = trusted(dataset).load(lake)
        schema = table.schema().as_arrow()
        row = {dataset.event_time: END.replace(tzinfo=None) - timedelta(hours=3)}
        table.append(pa.Table.from_pylist([row], schema=schema))
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE runs AS SELECT d, r, ?::TIMESTAMP - to_hours(r + 1) AS began, "  # noqa: S608
            f"'readings_' || lpad(d::TEXT, 3, '0') AS dataset, {_RUN} AS run_id "
            "FROM range(?) ds(d), range(?) rs(r)",
            [END.replace(tzinfo=None), size.datasets, size.runs],
        )
        for declaration, sql in ((LEDGER, _LEDGER_SQL), (QUALITY_RESULTS, _RULES_SQL)):
            rows = connection.sql(sql).to_arrow_table()
            table = declaration.load(lake)
            table.append(rows.cast(table.schema().as_arrow()))


_LEDGER_SQL = f"""
SELECT dataset, dataset || '/' || r || '-' || o AS raw_object, 'processed' AS entry, began AS arrived_at,
    strftime(began, '%Y-%m-%d') AS arrival_period, run_id, 10000 - r AS sequence_number,
    strftime(began, '%Y-%m-%d') AS event_partitions, 1000 AS records_in, 970 AS trusted, 10 AS duplicates,
    20 AS quarantined, 50000 AS bytes_raw, 250000 AS bytes_json
FROM runs, range({OBJECTS_PER_RUN}) objects(o)
"""  # noqa: S608 (a number)
_RULES_SQL = f"""
SELECT dataset AS table_name, strftime(began, '%Y-%m-%d') AS partition_key, run_id, 'suite' AS suite,
    'column_' || rule || '.present' AS rule, 'expect_column_values_to_not_be_null' AS expectation,
    'column_' || rule AS column_name, if(rule % 3 = 0, 'critical', 'warning') AS severity,
    rule <> 1 OR r % 7 > 0 AS success, false AS errored, '0 of 2,910 rows fail' AS observed,
    random() AS observed_value, 2910 AS rows_checked, 0 AS rows_bad, '[]' AS sample, 0.01 AS seconds,
    began + INTERVAL 5 MINUTE AS evaluated_at
FROM runs, range({RULES}) rules(rule)
"""  # noqa: S608 (a number)
_PAGES = Pages(60)

if __name__ == "__main__":
    raise SystemExit(main())
