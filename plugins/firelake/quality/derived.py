"""Rules that follow from the spec of a dataset or summary and need not be written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firelake.periods import Grain
from firelake.quality import arguments as args
from firelake.quality.result import Severity
from firelake.quality.suite import RESERVED_PREFIX, Rule
from firelake.spec.dataset import EXTRA_COLUMN, RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN, Dataset
from firelake.spec.types import ColumnType, Primitive
from firelake.summary.spec import SummaryTable

PARTITION_START = "partition_start"
PARTITION_END = "partition_end"


def trusted_columns(dataset: Dataset) -> dict[str, ColumnType]:
    """Return the columns of a dataset's trusted table: those declared and those Firelake adds."""
    return {
        **{column.name: column.type for column in dataset.columns},
        EXTRA_COLUMN: Primitive("string"),
        RAW_OBJECT_COLUMN: Primitive("string"),
        RAW_POSITION_COLUMN: Primitive("bigint"),
    }


def derived_rules(dataset: Dataset) -> tuple[Rule, ...]:
    """Return the rules every batch of a dataset must hold to; all are critical."""
    columns = trusted_columns(dataset)
    required = [c.name for c in dataset.columns if c.required or c.name == dataset.event_time]
    return (
        *_schema_rules(columns),
        *(_required_rule(name) for name in required),
        _unique_rule("identity", _identity_columns(dataset), "No two rows are the same record."),
        _partition_rule(dataset.event_time, dataset.partition_by),
    )


def summary_columns(table: SummaryTable) -> dict[str, ColumnType]:
    """Return the columns of a summary table."""
    return {column.name: column.type for column in table.columns}


def derived_summary_rules(table: SummaryTable) -> tuple[Rule, ...]:
    """Return the rules every partition of a summary must hold to; all are critical."""
    required = dict.fromkeys([*(c.name for c in table.columns if c.required), table.partition.column])
    return (
        *_schema_rules(summary_columns(table)),
        *(_required_rule(name) for name in required),
        _unique_rule("grain", table.grain, f"No two rows have the same {', '.join(table.grain)}."),
        _partition_rule(table.partition.column, table.partition.grain),
    )


def _schema_rules(columns: Mapping[str, ColumnType]) -> Iterator[Rule]:
    yield _critical(
        "columns",
        "expect_table_columns_to_match_set",
        args.TableColumns(column_set=tuple(columns)),
        "The table has exactly the columns that the spec declares.",
    )
    for name, column_type in columns.items():
        yield _critical(
            f"type.{name}",
            "expect_column_values_to_be_of_type",
            args.ColumnType(column=name, type_=str(column_type)),
            f"{name} is of the declared type, {column_type}.",
        )


def _required_rule(column: str) -> Rule:
    return _critical(
        f"required.{column}",
        "expect_column_values_to_not_be_null",
        args.ColumnRows(column=column),
        f"Every row has a value for {column}.",
    )


def _unique_rule(name: str, columns: tuple[str, ...], description: str) -> Rule:
    if len(columns) == 1:
        one = args.ColumnRows(column=columns[0])
        return _critical(name, "expect_column_values_to_be_unique", one, description)
    many = args.CompoundRows(column_list=columns, ignore_row_if="never")
    return _critical(name, "expect_compound_columns_to_be_unique", many, description)


def _partition_rule(column: str, grain: Grain) -> Rule:
    arguments = args.ColumnRowsBetween(
        column=column,
        min_value=args.Parameter.model_validate({"$PARAMETER": PARTITION_START}),
        max_value=args.Parameter.model_validate({"$PARAMETER": PARTITION_END}),
        strict_max=True,
    )
    description = f"Every row's {column} lies in the {grain} that is published."
    return _critical(f"partition.{column}", "expect_column_values_to_be_between", arguments, description)


def _identity_columns(dataset: Dataset) -> tuple[str, ...]:
    if dataset.identity == "position":
        return (RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN)
    if dataset.identity == "content":
        return dataset.content_columns
    return dataset.identity


def _critical(name: str, type_name: str, arguments: args.Arguments, description: str) -> Rule:
    return Rule(f"{RESERVED_PREFIX}{name}", type_name, arguments, Severity.CRITICAL, description)
