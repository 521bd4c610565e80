"""Rules that follow from a dataset's spec and need not be written by hand."""

from __future__ import annotations

from collections.abc import Iterator

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
    columns = {column.name: column.type for column in dataset.columns}
    columns[EXTRA_COLUMN] = Primitive("string")
    columns[RAW_OBJECT_COLUMN] = Primitive("string")
    columns[RAW_POSITION_COLUMN] = Primitive("bigint")
    return columns


def derived_rules(dataset: Dataset) -> tuple[Rule, ...]:
    """Return the rules every batch of a dataset must hold to; all are critical."""
    return tuple(_rules(dataset))


def _rules(dataset: Dataset) -> Iterator[Rule]:
    columns = trusted_columns(dataset)
    yield _columns_rule(tuple(columns))
    for name, column_type in columns.items():
        yield _type_rule(name, column_type)
    for column in dataset.columns:
        if column.required or column.name == dataset.event_time:
            yield _required_rule(column.name)
    yield _unique_rule("identity", _identity_columns(dataset), "No two rows are the same record.")
    yield _critical(
        f"partition.{dataset.event_time}",
        "expect_column_values_to_be_between",
        args.ColumnRowsBetween(
            column=dataset.event_time,
            min_value=args.Parameter.model_validate({"$PARAMETER": PARTITION_START}),
            max_value=args.Parameter.model_validate({"$PARAMETER": PARTITION_END}),
            strict_max=True,
        ),
        f"Every row's {dataset.event_time} lies in the {dataset.partition_by} that is published.",
    )


def derived_summary_rules(table: SummaryTable) -> tuple[Rule, ...]:
    """Return the rules every partition of a summary must hold to; all are critical."""
    columns = {column.name: column.type for column in table.columns}
    required = [column.name for column in table.columns if column.required]
    return (
        _columns_rule(tuple(columns)),
        *(_type_rule(name, column_type) for name, column_type in columns.items()),
        *(_required_rule(name) for name in required),
        _unique_rule("grain", table.grain, "No two rows are of the same grain."),
    )


def _columns_rule(columns: tuple[str, ...]) -> Rule:
    return _critical(
        "columns",
        "expect_table_columns_to_match_set",
        args.TableColumns(column_set=columns),
        "The table has exactly the columns that the spec declares.",
    )


def _type_rule(name: str, column_type: ColumnType) -> Rule:
    return _critical(
        f"type.{name}",
        "expect_column_values_to_be_of_type",
        args.ColumnType(column=name, type_=str(column_type)),
        f"{name} is of the declared type, {column_type}.",
    )


def _required_rule(name: str) -> Rule:
    return _critical(
        f"required.{name}",
        "expect_column_values_to_not_be_null",
        args.ColumnRows(column=name),
        f"Every row has a {name}.",
    )


def _unique_rule(name: str, columns: tuple[str, ...], description: str) -> Rule:
    if len(columns) == 1:
        one = args.ColumnRows(column=columns[0])
        return _critical(name, "expect_column_values_to_be_unique", one, description)
    many = args.CompoundRows(column_list=columns, ignore_row_if="never")
    return _critical(name, "expect_compound_columns_to_be_unique", many, description)


def _identity_columns(dataset: Dataset) -> tuple[str, ...]:
    if dataset.identity == "position":
        return (RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN)
    if isinstance(dataset.identity, tuple):
        return dataset.identity
    technical = (RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN)
    return tuple(name for name in trusted_columns(dataset) if name not in technical)


def _critical(name: str, type_name: str, arguments: args.Arguments, description: str) -> Rule:
    return Rule(f"{RESERVED_PREFIX}{name}", type_name, arguments, Severity.CRITICAL, description)
