"""Moving failing rows to quarantine before the gate, held to what Great Expectations says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from firelake.errors import AccountingError
from firelake.quality.binding import Binder
from firelake.quality.derived import trusted_columns
from firelake.quality.gate import GateSubject
from firelake.quality.predicates import RowPredicate, row_predicate
from firelake.quality.suite import Rule, SuiteSpec, load_suite
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


def verify_refused(subject: GateSubject, refused: tuple[Path, ...], counts: Mapping[str, int]) -> None:
    """Make sure that Great Expectations counts the same failures among the refused rows.

    Parameters
    ----------
    refused
        Parquet files with the rows that were moved to quarantine, in the table's columns.
    counts
        How many of them each predicate is true for, by rule.

    Raises
    ------
    AccountingError
        If any count differs or could not be checked.
    """
    from firelake.quality.dialect import batch_engine
    from firelake.quality.evaluator import evaluate_rules

    rules = _quarantining(load_suite(subject.suite, subject.columns))
    binder = Binder(subject.suite, subject.columns, {})
    kwargs = {rule.name: binder.kwargs(rule) for rule in rules}
    with batch_engine(refused, subject.columns) as engine:
        findings = evaluate_rules(engine, rules, kwargs)
    for rule in rules:
        finding, count = findings.get(rule.name), counts.get(rule.name, 0)
        judged = None if finding is None or finding.error else finding.result.get("unexpected_count") or 0
        if judged != count:
            raise AccountingError(
                f"{subject.table}: {count} rows were quarantined by rule {rule.name}, "
                f"but the gate counts {judged}"
            )


def _quarantining(suite: SuiteSpec) -> tuple[Rule, ...]:
    return tuple(rule for rule in suite.rules if rule.on_failure == "quarantine")
