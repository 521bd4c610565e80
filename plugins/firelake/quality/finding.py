"""From what Great Expectations found to a rule's result, in doubt against the batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firelake.quality.arguments import ColumnBetween, ColumnQuantiles, ColumnSet
from firelake.quality.result import RuleResult, Severity
from firelake.quality.suite import Rule

SAMPLE_SIZE = 10
MASK = "•••"

_TEXT_LENGTH = 200
_OBSERVED_LENGTH = 500
_NULL_CHECK = "expect_column_values_to_not_be_null"


@dataclass(frozen=True)
class Finding:
    """What Great Expectations says about one rule.

    Parameters
    ----------
    error
        Why the check could not be made; None if it was.
    result
        Its result object, made of JSON values.
    """

    success: bool
    error: str | None
    result: Mapping[str, Any]


@dataclass(frozen=True)
class FindingReader:
    """Reads the findings about one batch.

    Parameters
    ----------
    rows
        Rows of the batch, counted apart from Great Expectations.
    pii
        Columns whose values must not appear in results.
    """

    rows: int
    pii: frozenset[str]

    def read(self, rule: Rule, finding: Finding | None, seconds: float) -> RuleResult:
        """Return a rule's result; what was not evaluated, or not on all rows, is errored."""
        error = self._error(rule, finding)
        if error is not None or finding is None:
            return self._result(rule, seconds, errored=True, observed=error)
        if not rule.support.per_row:
            return self._result(
                rule,
                seconds,
                success=finding.success,
                rows_checked=self.rows,
                observed=self._figure(rule, finding.result.get("observed_value")),
            )
        rows_bad = int(finding.result["unexpected_count"] or 0)
        rows_checked = self.rows - int(finding.result.get("missing_count") or 0)
        keeps_out = rule.on_failure == "quarantine"
        return self._result(
            rule,
            seconds,
            # What belongs in quarantine blocks, however few the rows and whatever the severity.
            severity=Severity.CRITICAL if keeps_out and rows_bad else rule.severity,
            success=finding.success and not (keeps_out and rows_bad),
            rows_checked=rows_checked,
            rows_bad=rows_bad,
            observed=f"{rows_bad:,} of {rows_checked:,} rows fail",
            sample=self._sample(rule, finding.result),
        )

    def _result(self, rule: Rule, seconds: float, **found: Any) -> RuleResult:
        unknown = {"success": False, "errored": False, "rows_checked": None, "rows_bad": None, "sample": ()}
        declared = {
            "rule": rule.name,
            "type": rule.type,
            "column": rule.column,
            "severity": rule.severity,
            "description": rule.description,
        }
        return RuleResult.model_validate({**declared, **unknown, **found, "seconds": seconds})

    def _error(self, rule: Rule, finding: Finding | None) -> str | None:
        if finding is None:
            return "not evaluated: Great Expectations returned no result for it"
        if finding.error is not None:
            reveals = not self.pii.isdisjoint(rule.arguments.columns)
            return "the check failed" if reveals else _clipped(f"the check failed: {finding.error}")
        if not rule.support.per_row:
            return None if finding.result else "the check returned nothing"
        seen, bad = finding.result.get("element_count"), finding.result.get("unexpected_count")
        # The sum over no rows is null, which is no count anywhere else.
        if seen != self.rows or (bad is None and self.rows > 0):
            return f"the check saw {seen} rows and counted {bad} bad ones; the batch has {self.rows} rows"
        return None

    def _figure(self, rule: Rule, value: Any) -> str:
        shows_values = isinstance(rule.arguments, ColumnBetween | ColumnQuantiles | ColumnSet)
        if shows_values and not self.pii.isdisjoint(rule.arguments.columns):
            return MASK
        return _clipped(json.dumps(value, ensure_ascii=False, default=str), _OBSERVED_LENGTH)

    def _sample(self, rule: Rule, result: Mapping[str, Any]) -> tuple[Any, ...]:
        if rule.type == _NULL_CHECK:
            return ()
        values = (result.get("partial_unexpected_list") or [])[:SAMPLE_SIZE]
        return tuple(self._example(rule, value) for value in values)

    def _example(self, rule: Rule, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: MASK if name in self.pii else _brief(one) for name, one in value.items()}
        if not self.pii.isdisjoint(rule.arguments.columns):
            return MASK
        return [_brief(one) for one in value] if isinstance(value, list | tuple) else _brief(value)


def _brief(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else _clipped(str(value))


def _clipped(text: str, length: int = _TEXT_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
