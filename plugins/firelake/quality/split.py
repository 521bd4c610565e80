"""Moving failing rows to quarantine before the gate, held to what Great Expectations says of them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from firelake.quality.binding import Binder
from firelake.quality.derived import trusted_columns
from firelake.quality.finding import FindingReader
from firelake.quality.gate import GateSubject
from firelake.quality.predicates import RowPredicate, row_predicate
from firelake.quality.result import RuleResult, Severity
from firelake.quality.suite import RESERVED_PREFIX, Rule, SuiteSpec, load_suite
from firelake.spec.dataset import Dataset
from firelake.spec.load import PROJECT_ROOT


def quarantine_predicates(dataset: Dataset) -> tuple[RowPredicate, ...]:
    """Return when a row is to be quarantined, for each rule that says ``on_failure: quarantine``.

    Rows that no predicate refuses pass these rules in the gate, which stays the judge: without the
    split, or if a predicate differs from its rule, a critical one blocks.

    Raises
    ------
    SpecError
        If the dataset's suite is wrong.
    """
    path, columns = PROJECT_ROOT / dataset.quality.suite, trusted_columns(dataset)
    binder = Binder(path, columns, {})
    return tuple(
        row_predicate(rule.name, rule.type, binder.kwargs(rule), columns)
        for rule in _quarantining(load_suite(path, columns))
    )


def judge_failed(subject: GateSubject, by_rule: Mapping[str, int]) -> tuple[RuleResult, ...]:
    """Let Great Expectations count among the rows that were moved to quarantine.

    Parameters
    ----------
    subject
        Those rows, in the table's columns.
    by_rule
        How many of them each predicate is true for, by rule.

    Returns
    -------
    tuple of RuleResult
        One for each rule that quarantines. It holds if both counts agree, and blocks otherwise.
    """
    # Great Expectations takes seconds to import; nothing that only reads suites pays for it.
    from firelake.quality.dialect import batch_engine, count_rows
    from firelake.quality.evaluator import evaluate_rules

    rules = _quarantining(load_suite(subject.suite, subject.columns))
    binder = Binder(subject.suite, subject.columns, {})
    kwargs = {rule.name: binder.kwargs(rule) for rule in rules}
    started = time.perf_counter()
    with batch_engine(subject.files, subject.columns) as engine:
        reader = FindingReader(count_rows(engine), subject.pii)
        findings = evaluate_rules(engine, rules, kwargs)
    share = (time.perf_counter() - started) / max(1, len(rules))
    return tuple(
        _compared(reader.read(rule, findings.get(rule.name), share), by_rule.get(rule.name, 0))
        for rule in rules
    )


def _compared(counted: RuleResult, quarantined: int) -> RuleResult:
    agree = not counted.errored and counted.rows_bad == quarantined
    observed = f"{quarantined:,} rows quarantined"
    if not agree:
        observed += f", but Great Expectations says: {counted.observed}"
    return counted.model_copy(
        update={
            "rule": f"{RESERVED_PREFIX}quarantined.{counted.rule}",
            "severity": Severity.CRITICAL,
            "description": f"Great Expectations counts as many failures among the refused rows. "
            f"{counted.description}",
            "success": agree,
            "rows_bad": quarantined,
            "observed": observed,
        }
    )


def _quarantining(suite: SuiteSpec) -> tuple[Rule, ...]:
    return tuple(rule for rule in suite.rules if rule.on_failure == "quarantine")
