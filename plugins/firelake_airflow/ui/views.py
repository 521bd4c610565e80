"""What each page shows, gathered from the lake."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import HTTPException
from firelake.insight.flows import Flows, PeriodFlow, RunFlow
from firelake.insight.gates import rule_histories
from firelake.insight.reading import HISTORY_DAYS, WINDOW_DAYS, Reading
from firelake.insight.run import MAX_REFUSED, RunDetail, began_at
from firelake.insight.subject import Subject
from firelake.insight.tiers import HORIZON_DAYS, TierHolding
from firelake.lifecycle.rules import TIERED_ZONES
from firelake.periods import Grain
from firelake.quality.report_view import flow

from firelake_airflow.ui import charts

Context = dict[str, Any]

_LISTED = 30
_SPARK_DAYS = 30
# Longer rows of hours cannot be told apart.
_MOST_HOURS = 72


def overview(reading: Reading, visible: Mapping[str, Subject], query: str) -> Context:
    """Gather how all visible tables stand."""
    found = reading.overview([name for name in visible if query.lower() in name])
    today = reading.now.date()
    return {
        "page": "overview",
        "overview": found,
        "query": query,
        "tables": len(visible),
        "sparks": {
            line.subject.name: charts.flow_bars(charts.every_day(line.days, today, _SPARK_DAYS))
            for line in found.datasets
        },
        "currency": found.currency,
        "errors": reading.declared().errors,
        "window_days": WINDOW_DAYS,
        "now": reading.now,
    }


def table(reading: Reading, subject: Subject, dag_ids: Collection[str]) -> Context:
    """Gather all about one table, and which of the DAGs that the user may read act on it."""
    with ThreadPoolExecutor(4, thread_name_prefix="lake-table") as pool:
        detail = pool.submit(reading.detail, subject.name)
        gates = pool.submit(reading.gates, subject.name)
        flows = pool.submit(reading.flows, subject.name) if subject.dataset else None
        intake = pool.submit(reading.intake, subject.name) if subject.dataset else None
        overview = reading.overview([subject.name])
    (line,) = (*overview.datasets, *overview.summaries)
    return {
        "page": "table",
        "subject": subject,
        "line": line,
        "detail": detail.result(),
        "intake": intake.result() if intake else None,
        "counts": flows.result().total() if flows else None,
        "flow_bars": charts.flow_bars(_periods(reading, subject, flows.result())) if flows else None,
        "gates": gates.result()[:_LISTED],
        "gate_bars": charts.gate_bars(gates.result()),
        "flow_of": _by_run(flows.result().runs()) if flows else {},
        "cost": reading.cost(subject.name) if subject.dataset else None,
        "rollback_dag": next((dag for dag in dag_ids if dag == f"{subject.name}__rollback"), None),
        "listed": _LISTED,
        "window_days": WINDOW_DAYS,
        "now": reading.now,
    }


def quality(reading: Reading, subject: Subject) -> Context:
    """Gather each rule's history."""
    histories = rule_histories(reading.outcomes(subject.name))
    gates = reading.gates(subject.name)
    return {
        "page": "quality",
        "subject": subject,
        "histories": histories,
        "sparks": {history.rule: charts.rule_spark(history) for history in histories},
        "gate_bars": charts.gate_bars(gates),
        "gates": gates,
        "days": HISTORY_DAYS,
        "now": reading.now,
    }


def run(reading: Reading, subject: Subject, run_id: str) -> Context:
    """Gather all about one run."""
    return {"tries": (), **_run(reading, subject, _known_run(reading, subject, run_id))}


def run_of_origin(reading: Reading, subject: Subject, origin: str) -> Context:
    """Gather all about the latest of the runs that one run of a DAG made."""
    tries = reading.runs_of_origin(subject.name, origin)
    if not tries:
        return {"page": "run", "subject": subject, "run": None, "now": reading.now}
    latest = _known_run(reading, subject, tries[0])
    return {"tries": [(name, began_at(name)) for name in tries], **_run(reading, subject, latest)}


def quarantine(reading: Reading, subject: Subject, run_id: str, reason: str | None) -> Context:
    """Gather the records that a run refused."""
    if subject.dataset is None:
        raise HTTPException(404, f"{subject.name} is a summary: it refuses no records.")
    pii = sorted(column.name for column in subject.dataset.columns if column.pii)
    records = reading.refused(subject.dataset, run_id, reason)
    return {
        "page": "run",
        "subject": subject,
        "run_id": run_id,
        "reason": reason,
        "records": records,
        "most": MAX_REFUSED,
        "pii": pii,
        "now": reading.now,
    }


def report(reading: Reading, subject: Subject, run_id: str) -> Context:
    """Gather where a run's report is."""
    found = _known_run(reading, subject, run_id)
    if found.report_key is None:
        raise HTTPException(404, f"Run {run_id} has no quality report.")
    return {"page": "run", "subject": subject, "run": found, "now": reading.now}


def tiers(reading: Reading, visible: Mapping[str, Subject]) -> Context:
    """Gather storage by tier and what rules will move next."""
    found = reading.tiers()
    zones = [(name, zone) for name in visible for zone in found.zones.get(name, ())]
    by_class: dict[tuple[int, str], list[TierHolding]] = {}
    for _, zone in zones:
        for tier in zone.tiers:
            by_class.setdefault((TIERED_ZONES.index(zone.zone), tier.storage_class), []).append(tier)
    return {
        "page": "tiers",
        "listed_at": found.listed_at,
        "currency": found.currency,
        "horizon_days": HORIZON_DAYS,
        "zones": zones,
        "sums": [
            (TIERED_ZONES[number], _together(name, held)) for (number, name), held in sorted(by_class.items())
        ],
        "total_bytes": sum(zone.size_bytes for _, zone in zones),
        "total_per_month": sum(zone.per_month for _, zone in zones),
        "now": reading.now,
    }


def _together(storage_class: str, held: Sequence[TierHolding]) -> TierHolding:
    return TierHolding(
        storage_class=storage_class,
        objects=sum(one.objects for one in held),
        size_bytes=sum(one.size_bytes for one in held),
        per_month=sum(one.per_month for one in held),
    )


def _run(reading: Reading, subject: Subject, found: RunDetail) -> Context:
    accounting = found.accounting
    return {
        "page": "run",
        "subject": subject,
        "run": found,
        "flow": flow(accounting, published=found.state == "published") if accounting else None,
        "now": reading.now,
    }


def _known_run(reading: Reading, subject: Subject, run_id: str) -> RunDetail:
    found = reading.run(subject.name, run_id)
    if found is None:
        raise HTTPException(404, f"Nothing is known of a run {run_id} of {subject.name}.")
    return found


def _periods(reading: Reading, subject: Subject, flows: Flows) -> Sequence[PeriodFlow]:
    """Return what arrived: hour by hour if that is little, else day by day."""
    by_period = flows.by_period().get(subject.name, [])
    hourly = subject.dataset is not None and subject.dataset.raw.arrival_period is Grain.HOUR
    if hourly and len(by_period) <= _MOST_HOURS:
        return by_period
    days = flows.by_day().get(subject.name, [])
    return charts.every_day(days, reading.now.date(), WINDOW_DAYS)


def _by_run(runs: Sequence[RunFlow]) -> dict[str, RunFlow]:
    return {run.run_id: run for run in runs}
