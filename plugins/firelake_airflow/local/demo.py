"""The main job, shown: two days of data through the whole lake, checked against what was sent."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from firelake.catalog import prepare_lake
from firelake.layout import Lake, split_uri
from firelake.outcome import Published
from firelake.periods import Period
from firelake.spec import load_datasets
from firelake.storage import Bucket
from firelake.summary.spec import SummaryTable, load_summaries

from firelake_airflow.local.api import AirflowApi
from firelake_airflow.local.outcome import (
    DatasetOutcome,
    DemoOutcome,
    SummaryOutcome,
    count_dataset,
    read_summary,
)
from firelake_airflow.local.processes import Say, StackError
from firelake_airflow.local.runs import Run, Runs
from firelake_airflow.local.sending import Sending
from ingest.sent import Sent

# The summaries that are shown of each dataset that can be.
SHOWN = {
    "iot_device_telemetry": ("iot_device_anomalies", "iot_device_health_daily"),
    "menu_clicks": ("menu_funnel",),
}
_LIFECYCLE = "lake__lifecycle"
# The scheduler looks for backfills that have ended every half minute.
_NOTICED_SECONDS = 120
_PAUSE_SECONDS = 3


@dataclass(frozen=True)
class Size:
    """How much the demo sends, and of which datasets."""

    days: int = 2
    records: int = 24_000
    datasets: tuple[str, ...] = ("iot_device_telemetry",)


class DemoStack(Protocol):
    """What a demo needs of the stack it runs on, whoever started that."""

    @property
    def folder(self) -> Path:
        """Where the demo keeps what it sent and its outcome."""

    @property
    def aws_url(self) -> str:
        """Local AWS's endpoint."""

    @property
    def say(self) -> Say:
        """Told what happens, line by line."""

    @property
    def run_seconds(self) -> float:
        """How long the demo waits for runs of one DAG."""

    def wait_for_airflow(self, dag_ids: set[str]) -> AirflowApi:
        """Wait until Airflow is healthy and knows the DAGs; return its API."""

    def airflow(self, *arguments: str) -> None:
        """Run an ``airflow`` command to its end."""


class Demo:
    """One demo.

    Parameters
    ----------
    stack
        The stack, with Local AWS up.
    size
        How much is sent.
    booting
        Done when Airflow's processes have been started, if they have yet to be; the data is sent meanwhile.
    """

    def __init__(self, stack: DemoStack, size: Size, booting: Future[None] | None = None) -> None:
        self._stack = stack
        self._booting = booting
        self._size = size
        self._say = stack.say
        self._lake = Lake.from_environment()
        self._datasets = tuple(dataset for dataset in load_datasets() if dataset.name in size.datasets)
        summaries = [summary.table for summary in load_summaries()]
        shown = {name for dataset in size.datasets for name in SHOWN[dataset]}
        self._summaries = tuple(table for table in summaries if table.name in shown)
        self._hidden = tuple(table for table in summaries if table.name not in shown)
        self.folder = stack.folder / "demo"

    def run(self) -> DemoOutcome:
        """Send, process, summarise and tier; say what came of it."""
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        sent = self._send()
        if self._booting is not None:
            self._booting.result()
        runs = Runs(self._stack.wait_for_airflow(self._dag_ids()), self._stack.run_seconds)
        with runs.pausing(f"{table.name}__summary" for table in self._hidden):
            return self._process(runs, sent, began)

    def _process(self, runs: Runs, sent: dict[str, Sent], began: float) -> DemoOutcome:
        begun = {name: self._begin_backfill(runs, name, each) for name, each in sent.items()}
        batches = {name: list(runs.wait_new(*wanted).values()) for name, wanted in begun.items()}
        changed = {name: runs.announced(of_dataset) for name, of_dataset in batches.items()}
        return DemoOutcome(
            datasets={name: self._examine(runs, name, of_dataset) for name, of_dataset in batches.items()},
            summaries={table.name: self._summarise(runs, table, changed) for table in self._summaries},
            lifecycle=self._tier(runs),
            sent=sent,
            pictures=self._draw(),
            seconds=round(time.monotonic() - began, 1),
        )

    def _send(self) -> dict[str, Sent]:
        prepare_lake(self._lake, self._datasets, self._summaries)
        self._say("Buckets, tables, workgroup and crawlers are there")
        sending = Sending(
            path=self.folder / "sent.json",
            clock_url=f"{self._stack.aws_url}/_localaws/clock",
            days=self._size.days,
            records=self._size.records,
        )
        return sending.ensure(self._lake, self._datasets, self._say)

    def _dag_ids(self) -> set[str]:
        pipelines = {f"{dataset.name}__pipeline" for dataset in self._datasets}
        tables = (*self._summaries, *self._hidden)
        return pipelines | {f"{table.name}__summary" for table in tables} | {_LIFECYCLE}

    def _begin_backfill(self, runs: Runs, dataset: str, sent: Sent) -> tuple[str, set[str], list[str]]:
        """Start a dataset's backfill; return its DAG, the runs there were, and the days to wait for."""
        dag_id, days = f"{dataset}__pipeline", sorted(sent.days_sent)
        known = runs.known(dag_id)
        self._say(f"Airflow backfills {dag_id} from {days[0]} to {days[-1]}")
        span = ("--from-date", days[0], "--to-date", days[-1])
        # One after the other: neighbouring days share event partitions, and would wait for each other.
        how = ("--reprocess-behavior", "completed", "--max-active-runs", "1")
        self._create_backfill("--dag-id", dag_id, *span, *how)
        return dag_id, known, days

    def _create_backfill(self, *options: str) -> None:
        """Create a backfill, if need be once the scheduler has noticed that the one before has ended."""
        give_up_at = time.monotonic() + _NOTICED_SECONDS
        while True:
            try:
                self._stack.airflow("backfill", "create", *options)
            except StackError as error:
                if "AlreadyRunningBackfill" not in str(error) or time.monotonic() > give_up_at:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def _examine(self, runs: Runs, dataset: str, batches: list[Run]) -> DatasetOutcome:
        published = [Published.model_validate(runs.result(run, "publish")) for run in batches]
        verdicts = [runs.result(run, "gate") for run in batches]
        reports = tuple(self._copy_report(verdict["report_uri"]) for verdict in verdicts)
        counted = count_dataset(self._lake, dataset, published, verdicts, reports)
        self._say(f"{dataset}: {counted.trusted:,} trusted rows of {counted.records_in:,} records")
        return counted

    def _copy_report(self, address: str) -> str:
        bucket, key = split_uri(address)
        path = self.folder / "reports" / key.removeprefix("reports/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Bucket(bucket).read(key))
        return str(path)

    def _summarise(
        self, runs: Runs, table: SummaryTable, changed: dict[str, dict[str, str]]
    ) -> SummaryOutcome:
        latest: dict[str, str] = {}
        for source in table.sources:
            for key, at in changed[source].items():
                for partition in table.partition.affected(Period.parse(key, table.partition.grain)):
                    latest[partition.key] = max(at, latest.get(partition.key, ""))
        runs.wait_since(f"{table.name}__summary", latest)
        summary = read_summary(self._lake, table)
        self._say(f"{table.name}: {summary.rows:,} rows for {summary.partitions} days, read with awswrangler")
        return summary

    def _tier(self, runs: Runs) -> dict[str, Any]:
        outcome: dict[str, Any] = runs.result(runs.trigger(_LIFECYCLE), "tier")
        self._say("Storage tiers are applied and read back")
        return outcome

    def _draw(self) -> tuple[str, ...]:
        from firelake_airflow.local.pictures import draw

        pictures = draw(self._lake, [table.name for table in self._summaries], self.folder)
        return tuple(str(path) for path in pictures)
