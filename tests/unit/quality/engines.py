"""The same expectations on both engines: ours on DuckDB, and Great Expectations' own on pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from firelake.quality import evaluator
from firelake.quality.binding import Binder
from firelake.quality.dialect import batch_engine
from firelake.quality.finding import Finding
from firelake.quality.result import Severity
from firelake.quality.suite import Rule
from firelake.quality.supported import SUPPORTED
from firelake.spec.types import ColumnType
from great_expectations.core.batch import Batch
from great_expectations.execution_engine.pandas_batch_data import PandasBatchData
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine


def rule(name: str, type_name: str, kwargs: Mapping[str, Any]) -> Rule:
    arguments = SUPPORTED[type_name].arguments.model_validate(kwargs, strict=False)
    return Rule(name, type_name, arguments, Severity.CRITICAL, "A rule under test.")


def duckdb_findings(
    batch: pa.Table, rules: Sequence[Rule], columns: Mapping[str, ColumnType], path: Path
) -> dict[str, Finding]:
    pq.write_table(batch, path)
    binder = Binder(path, columns, {})
    with batch_engine([path], columns) as engine:
        return evaluator.evaluate_rules(engine, rules, {one.name: binder.kwargs(one) for one in rules})


def pandas_findings(
    batch: pa.Table, rules: Sequence[Rule], columns: Mapping[str, ColumnType]
) -> dict[str, Finding]:
    binder = Binder(Path("suite"), columns, {})
    source = PandasExecutionEngine()
    data = PandasBatchData(execution_engine=source, dataframe=batch.to_pandas())
    configs = evaluator.configurations(rules, {one.name: binder.kwargs(one) for one in rules})
    batch_of_data = Batch(data=data)  # type: ignore[arg-type]  # it takes objects, not classes
    return evaluator.validate(source, batch_of_data, configs)
