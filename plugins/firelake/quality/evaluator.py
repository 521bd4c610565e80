"""Great Expectations as a function: rules in, what it found out.

Importing this module imports Great Expectations, which takes seconds: only the gate does, when it runs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from great_expectations.core.batch import Batch
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.validator import Validator

from firelake.quality.arguments import CompoundRows
from firelake.quality.dialect import BATCH_VIEW
from firelake.quality.finding import SAMPLE_SIZE, Finding
from firelake.quality.suite import Rule
from firelake.quality.uniqueness import find_repeats

_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": SAMPLE_SIZE}
_PARTNER_VARIABLE = "SF_PARTNER"


class _SilentValidator(Validator):
    """A validator without a data context, hence without stores, sites, settings or progress bars."""

    def _determine_progress_bars(self) -> bool:
        return False


def evaluate_rules(
    engine: sa.Engine, rules: Sequence[Rule], kwargs: Mapping[str, dict[str, Any]]
) -> dict[str, Finding]:
    """Evaluate rules over the batch view of ``engine``; ``kwargs`` are by rule name, parameters filled in.

    Returns
    -------
    dict
        Findings by rule name. A rule that was not evaluated is not in it.
    """
    compound = {rule.name: rule.arguments for rule in rules if isinstance(rule.arguments, CompoundRows)}
    own = {name: find_repeats(engine, arguments) for name, arguments in compound.items()}
    with _left_as_found():
        source = SqlAlchemyExecutionEngine(engine=engine, create_temp_table=False)
        data = SqlAlchemyBatchData(source, table_name=BATCH_VIEW, create_temp_table=False)
        others = [rule for rule in rules if rule.name not in own]
        batch = Batch(data=data)  # type: ignore[arg-type]  # it takes objects, not classes
        return own | validate(source, batch, configurations(others, kwargs))


def configurations(
    rules: Sequence[Rule], kwargs: Mapping[str, dict[str, Any]]
) -> list[ExpectationConfiguration]:
    """Return the rules as Great Expectations takes them."""
    return [
        ExpectationConfiguration(type=rule.type, kwargs=kwargs[rule.name], meta={"rule": rule.name})
        for rule in rules
    ]


def validate(
    source: ExecutionEngine[Any], batch: Batch, configs: list[ExpectationConfiguration]
) -> dict[str, Finding]:
    """Run expectations over a batch of any of Great Expectations' engines."""
    validator = _SilentValidator(execution_engine=source, batches=[batch])
    results = validator.graph_validate(
        configurations=configs,
        runtime_configuration={"result_format": _RESULT_FORMAT, "catch_exceptions": True},
    )
    return {_rule_name(result): _finding(result) for result in results}


def _rule_name(result: ExpectationValidationResult) -> str:
    config = result.expectation_config
    return str(config.meta["rule"]) if config is not None and config.meta else ""


def _finding(result: ExpectationValidationResult) -> Finding:
    found: dict[str, Any] = result.to_json_dict()
    return Finding(bool(result.success), _error_in(found), found["result"])


def _error_in(found: Mapping[str, Any]) -> str | None:
    """Return why a check could not be made; only an explicit statement that it was counts as made."""
    info = found.get("exception_info") or {}
    if info.get("raised_exception") is False:
        return None if found.get("success") is not None else "no verdict was returned"
    # A failed metric is reported under its own id, other failures directly.
    causes = [one for one in info.values() if isinstance(one, dict)] or [info]
    return str(causes[0].get("exception_message") or "it did not say why")


@contextmanager
def _left_as_found() -> Iterator[None]:
    """Keep Great Expectations from chatting, and take back what it changes for the whole process."""
    logger = logging.getLogger("great_expectations")
    level, partner = logger.level, os.environ.get(_PARTNER_VARIABLE)
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
        if partner is None:
            os.environ.pop(_PARTNER_VARIABLE, None)
        else:
            os.environ[_PARTNER_VARIABLE] = partner
