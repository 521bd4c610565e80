"""A summary's partition beside the trusted rows that it was computed from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from firelake import athena, iceberg
from firelake.layout import Lake
from firelake.ledger import Ledger
from firelake.outcome import SourceState, SummaryStage
from firelake.periods import Period, PeriodRange
from firelake.quality.gate import GateSubject
from firelake.quality.result import RuleResult
from firelake.quality.suite import RESERVED_PREFIX
from firelake.spec import find_dataset
from firelake.sql import identifier
from firelake.summary.figures import Equality
from firelake.summary.spec import SummaryTable
from firelake.tables import trusted
from firelake.verify import within_sql

_LEAST = timedelta(microseconds=1)


def source_states(lake: Lake, table: SummaryTable, period: Period) -> dict[str, SourceState]:
    """Return what the datasets that a summary is reconciled with consist of in one partition."""
    names = sorted({equality.source for equality in table.reconcile.values()})
    return {name: _state(lake, name, period) for name in names}


def _state(lake: Lake, name: str, period: Period) -> SourceState:
    declaration = trusted(find_dataset(name))
    source = declaration.load(lake)
    periods = PeriodRange.covering(period.start, period.end, declaration.grain)
    files = iceberg.partition_files(source, declaration.partition_column, periods)
    snapshot = source.current_snapshot()
    return SourceState(
        snapshot_id=None if snapshot is None else snapshot.snapshot_id,
        files=tuple(sorted(file.file_path for group in files.values() for file in group)),
    )


def reconcile_rules(
    lake: Lake, table: SummaryTable, stage: SummaryStage, subject: GateSubject
) -> tuple[RuleResult, ...]:
    """Compare the declared figures of a computed partition with those of the rows it was computed from."""
    equalities = list(table.reconcile.items())
    if not equalities:
        return ()
    started = time.perf_counter()
    ours = _batch_figures(subject, [equality for _, equality in equalities])
    theirs: dict[str, Decimal | None] = {}
    for source, state in stage.sources.items():
        asked = {name: equality for name, equality in equalities if equality.source == source}
        theirs |= _trusted_figures(lake, state, asked, Period.parse(stage.partition, table.partition.grain))
    share = (time.perf_counter() - started) / len(equalities)
    return tuple(
        _judged(name, equality, our, theirs[name], share)
        for (name, equality), our in zip(equalities, ours, strict=True)
    )


def is_covered(lake: Lake, table: SummaryTable, partition: str) -> bool:
    """Tell whether runs have taken in what arrived up to a partition's end, of every dataset it reads."""
    end = Period.parse(partition, table.partition.grain).end
    for name in table.sources:
        dataset = find_dataset(name)
        last = Period.containing(end - _LEAST, dataset.raw.arrival_period)
        if not Ledger(lake, dataset).processed(last.start, last.end - _LEAST).num_rows:
            return False
    return True


def _batch_figures(subject: GateSubject, equalities: Sequence[Equality]) -> list[Decimal | None]:
    # SQLAlchemy and DuckDB load when a gate runs, not when its caller is read.
    from firelake.quality.dialect import BATCH_VIEW, batch_engine

    figures = ", ".join(equality.summary.sql for equality in equalities)
    with batch_engine(subject.files, subject.columns) as engine, engine.connect() as connection:
        row = connection.exec_driver_sql(f"SELECT {figures} FROM {BATCH_VIEW}").one()  # noqa: S608 (quoted)
    return [_number(value) for value in row]


def _trusted_figures(
    lake: Lake, state: SourceState, asked: Mapping[str, Equality], period: Period
) -> dict[str, Decimal | None]:
    if state.snapshot_id is None:
        # Athena has nothing to ask about.
        return {name: _number(equality.trusted.of_nothing) for name, equality in asked.items()}
    (source,) = {equality.source for equality in asked.values()}
    declaration = trusted(find_dataset(source))
    table = f"{identifier(lake.database(declaration.zone))}.{identifier(declaration.name)}"
    figures = ", ".join(equality.trusted.sql for equality in asked.values())
    finished = athena.run(
        lake,
        f"SELECT {figures} FROM {table} FOR VERSION AS OF {int(state.snapshot_id)} "  # noqa: S608 (quoted)
        f"WHERE {within_sql(declaration, period.start, period.end)}",
    )
    (row,) = athena.rows(finished.query_id)
    return {name: _number(text or None) for name, text in zip(asked, row, strict=True)}


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _judged(
    name: str, equality: Equality, ours: Decimal | None, theirs: Decimal | None, seconds: float
) -> RuleResult:
    return RuleResult(
        rule=f"{RESERVED_PREFIX}reconcile.{name}",
        type="reconciliation",
        column=equality.summary.column,
        severity=equality.severity,
        description=equality.description,
        success=agree(ours, theirs, equality.tolerance),
        errored=False,
        rows_checked=None,
        rows_bad=None,
        observed=f"{_said(ours)}; {equality.source} has {_said(theirs)}",
        sample=(),
        seconds=seconds,
    )


def agree(one: Decimal | None, other: Decimal | None, tolerance: float) -> bool:
    """Tell whether two figures are equal, but for a share of the larger one."""
    if one is None or other is None:
        return one is other
    if not (one.is_finite() and other.is_finite()):
        return str(one) == str(other)
    return abs(one - other) <= Decimal(tolerance) * max(abs(one), abs(other))


def _said(value: Decimal | None) -> str:
    return "nothing" if value is None else f"{value:,}"
