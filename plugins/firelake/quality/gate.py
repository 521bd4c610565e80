"""The gate: every staged batch is evaluated here before a reader can see it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from firelake.errors import PeriodError
from firelake.periods import Grain, Period
from firelake.quality.binding import Binder, Parameters, Value
from firelake.quality.derived import (
    PARTITION_END,
    PARTITION_START,
    derived_rules,
    derived_summary_rules,
    summary_columns,
    trusted_columns,
)
from firelake.quality.finding import FindingReader
from firelake.quality.result import GateResult
from firelake.quality.suite import Rule, load_suite
from firelake.spec.dataset import Dataset
from firelake.spec.load import PROJECT_ROOT
from firelake.spec.types import ColumnType
from firelake.summary.spec import SummaryTable


@dataclass(frozen=True)
class GateSubject:
    """A staged batch and what it is held to.

    Parameters
    ----------
    table
        The table it would be published to.
    partition
        The partition it would replace.
    suite
        The reviewed suite.
    files
        Local Parquet files; none for an empty batch.
    columns
        The table's columns.
    derived
        Rules that follow from the spec, in addition to the suite's.
    pii
        Columns whose values must not leave the table, not even as examples.
    """

    table: str
    partition: str
    run_id: str
    suite: Path
    files: tuple[Path, ...]
    columns: Mapping[str, ColumnType]
    derived: tuple[Rule, ...] = ()
    pii: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of_dataset(cls, dataset: Dataset, partition: str, run_id: str, files: tuple[Path, ...]) -> Self:
        """Return one event partition of a dataset's trusted table."""
        return cls(
            table=dataset.name,
            partition=partition,
            run_id=run_id,
            suite=PROJECT_ROOT / dataset.quality.suite,
            files=files,
            columns=trusted_columns(dataset),
            derived=derived_rules(dataset),
            pii=frozenset(column.name for column in dataset.columns if column.pii),
        )

    @classmethod
    def of_summary(cls, table: SummaryTable, partition: str, run_id: str, files: tuple[Path, ...]) -> Self:
        """Return one partition of a summary table."""
        return cls(
            table=table.name,
            partition=partition,
            run_id=run_id,
            suite=PROJECT_ROOT / table.checks,
            files=files,
            columns=summary_columns(table),
            derived=derived_summary_rules(table),
        )


def evaluate(subject: GateSubject, parameters: Parameters | None = None) -> GateResult:
    """Evaluate a batch against its suite and the rules derived from its spec.

    Parameters
    ----------
    parameters
        Values for ``{"$PARAMETER": name}`` in the suite. ``partition_start`` and ``partition_end``
        follow from the partition.

    Raises
    ------
    SpecError
        If the suite is wrong.
    FirelakeError
        If a parameter is missing or a file cannot be read. What goes wrong inside a check
        is no exception but a rule that is ``errored``, and blocks.
    """
    # Great Expectations takes seconds to import; nothing that only reads suites pays for it.
    from firelake.quality.dialect import batch_engine, count_rows
    from firelake.quality.evaluator import evaluate_rules

    started = time.perf_counter()
    suite = load_suite(subject.suite, subject.columns).extended(subject.derived)
    binder = Binder(subject.suite, subject.columns, {**_span(subject.partition), **(parameters or {})})
    kwargs = {rule.name: binder.kwargs(rule) for rule in suite.rules}
    with batch_engine(subject.files, subject.columns) as engine:
        reader = FindingReader(count_rows(engine), subject.pii)
        evaluation_started = time.perf_counter()
        findings = evaluate_rules(engine, suite.rules, kwargs)
    share = (time.perf_counter() - evaluation_started) / len(suite.rules)
    return GateResult(
        table=subject.table,
        partition=subject.partition,
        run_id=subject.run_id,
        suite=suite.name,
        evaluated_at=datetime.now(UTC),
        rules=tuple(reader.read(rule, findings.get(rule.name), share) for rule in suite.rules),
        seconds=time.perf_counter() - started,
    )


def _span(partition: str) -> dict[str, Value]:
    for grain in Grain:
        try:
            period = Period.parse(partition, grain)
        except PeriodError:
            continue
        return {PARTITION_START: _utc_text(period.start), PARTITION_END: _utc_text(period.end)}
    return {}


def _utc_text(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat()
