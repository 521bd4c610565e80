"""The quality report: one HTML page that needs nothing but itself, and the same for machines."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from firelake.layout import report_index_key, report_key, validation_key
from firelake.outcome import Accounting
from firelake.quality import report_view
from firelake.quality.result import GateResult

if TYPE_CHECKING:
    from firelake.drift.detect import Detected

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class QuarantinedRecord:
    """One refused record or fragment, as the quarantine table has it."""

    reason: str
    detail: str
    raw_text: str
    raw_object: str
    byte_offset: int


@dataclass(frozen=True)
class TrendPoint:
    """What an earlier run observed of a rule; see :func:`firelake.quality.history.observed_value`."""

    evaluated_at: datetime
    value: float
    success: bool


@dataclass(frozen=True)
class ReportInput:
    """All that a report tells.

    Parameters
    ----------
    results
        One for each partition of the run.
    accounting
        Where the run's records went; None for tables that are computed from others.
    quarantined
        Some of the refused records.
    trends
        Earlier observations by rule, oldest first.
    pii
        The dataset's columns of personal data. If there are any, raw text is withheld.
    drift
        How the fields that arrived differ from the spec; None for tables that are computed from others.
    """

    table: str
    description: str
    owner: str
    period: str
    run_id: str
    results: tuple[GateResult, ...]
    accounting: Accounting | None = None
    quarantined: tuple[QuarantinedRecord, ...] = ()
    trends: Mapping[str, tuple[TrendPoint, ...]] = field(default_factory=dict)
    pii: frozenset[str] = field(default_factory=frozenset)
    drift: Detected | None = None


def render_report(report: ReportInput) -> str:
    """Return the report as an HTML page without scripts or anything to fetch."""
    results = report.results
    verdict = report_view.verdict(results)
    failures = [report_view.Failure(one, rule) for one in results for rule in one.failed]
    return template("report.html.j2").render(
        report=report,
        verdict=verdict,
        failures=sorted(failures, key=lambda failure: failure.order),
        tallies=report_view.tallies(results),
        flow=report_view.flow(report.accounting, published=verdict.passed) if report.accounting else None,
        sparks={rule: report_view.sparkline(points) for rule, points in report.trends.items()},
        evaluated_at=max((one.evaluated_at for one in results), default=None),
        seconds=sum(one.seconds for one in results),
        links=_links(report),
    )


def _links(report: ReportInput) -> dict[str, str]:
    """Return where the report's JSON and its neighbours lie, seen from it."""
    folder = posixpath.dirname(report_key(report.table, report.period, report.run_id))
    keys = {
        "index": report_index_key(report.table),
        **{
            one.name: validation_key(report.table, report.period, report.run_id, one.name)
            for one in report.results
        },
    }
    return {name: quote(posixpath.relpath(key, folder)) for name, key in keys.items()}


def report_json(result: GateResult) -> str:
    """Return a result in the form of Great Expectations' own validation results."""
    held = sum(rule.success for rule in result.rules)
    document = {
        "success": result.passed,
        "suite_name": result.suite,
        "statistics": {
            "evaluated_expectations": len(result.rules),
            "successful_expectations": held,
            "unsuccessful_expectations": len(result.rules) - held,
            "success_percent": 100 * held / len(result.rules) if result.rules else None,
        },
        "results": [
            {
                "success": rule.success,
                "expectation_config": {
                    "type": rule.type,
                    "kwargs": {} if rule.column is None else {"column": rule.column},
                    "severity": str(rule.severity),
                    "description": rule.description,
                    "meta": {"rule": rule.rule},
                },
                "result": {
                    "observed_value": rule.observed,
                    "element_count": rule.rows_checked,
                    "unexpected_count": rule.rows_bad,
                    "partial_unexpected_list": list(rule.sample),
                },
                "exception_info": {
                    "raised_exception": rule.errored,
                    "exception_message": rule.observed if rule.errored else None,
                    "exception_traceback": None,
                },
                "meta": {},
            }
            for rule in result.rules
        ],
        "meta": {
            "table": result.table,
            "partition": result.partition,
            "run_id": {
                "run_name": result.run_id,
                "run_time": result.evaluated_at.astimezone(UTC).isoformat(),
            },
        },
    }
    return json.dumps(document, ensure_ascii=False, default=str, indent=1)


def environment(*folders: Path) -> Environment:
    """Return what renders pages: everything escaped, numbers and times as reports write them.

    Parameters
    ----------
    folders
        Where templates lie, besides the reports' own.
    """
    made = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "count": report_view.grouped,
        "share": report_view.share,
        "bytes": report_view.byte_size,
        "visible": report_view.visible,
        "reading_order": report_view.reading_order,
        "observation": report_view.observation,
        "moment": report_view.moment,
    }
    return made


@lru_cache
def template(name: str) -> Template:
    """Return a page's template."""
    return environment().get_template(name)
