"""Trino's SQL, as the cases in YAML have it: value, type, or the reason of the failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pytest

from localaws.athena.engine import sandbox, translated
from localaws.athena.failure import QueryError
from localaws.athena.sql.catalog import Plan, Table, Version, View
from localaws.athena.sql.parser import parse_query, with_parameters
from localaws.athena.sql.queries import compile_query
from localaws.athena.sql.types import duckdb_type
from localaws.athena.text import formatter
from tests.fixtures.dialect import Case, expressions, queries


class NoTables:
    """A catalog in which nothing is found."""

    def find(self, name: Sequence[str], database: str, version: Version | None) -> Table | View:
        raise QueryError("TABLE_NOT_FOUND", f"Table '{'.'.join(name)}' does not exist")


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = sandbox([], tmp_path_factory.mktemp("work"), "1GB")
    connection.execute("CREATE MACRO trino_now() AS TIMESTAMP '2026-11-21 10:30:00.250'")
    yield connection
    connection.close()


def run(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Plan, list[list[str | None]], list[str]]:
    """Return the plan, the rows as text, and the types that DuckDB gave them."""
    plan = compile_query(parse_query(sql), NoTables(), "default")
    try:
        relation = connection.sql(plan.sql)
        table = relation.to_arrow_table()
    except duckdb.Error as error:
        raise translated(error) from error
    columns = [
        [None if value is None else formatter(column.type)(value) for value in table.column(i).to_pylist()]
        for i, column in enumerate(plan.columns)
    ]
    return plan, [list(row) for row in zip(*columns, strict=True)], [str(type_) for type_ in relation.types]


def bound_types(connection: duckdb.DuckDBPyConnection, plan: Plan) -> list[str]:
    """Return how DuckDB writes the types that the plan promises."""
    casts = ", ".join(f"CAST(NULL AS {duckdb_type(column.type)})" for column in plan.columns)
    return [str(type_) for type_ in connection.sql(f"SELECT {casts}").types]


@pytest.mark.parametrize("case", expressions(), ids=lambda case: case["sql"])
def test_expression(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    sql = f"SELECT {case['sql']}"
    if "fails" in case:
        with pytest.raises(QueryError) as failure:
            run(connection, sql)
        assert case["fails"] in str(failure.value)
        return
    plan, rows, types = run(connection, sql)
    assert (str(plan.columns[0].type), rows) == (case["type"], [[case["value"]]])
    if "unknown" not in case["type"]:
        assert types == bound_types(connection, plan)


@pytest.mark.parametrize("case", queries(), ids=lambda case: case["sql"][:90])
def test_query(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    if "fails" in case:
        with pytest.raises(QueryError) as failure:
            run(connection, case["sql"])
        assert case["fails"] in str(failure.value)
        return
    plan, rows, types = run(connection, case["sql"])
    assert [str(column.type) for column in plan.columns] == case["types"]
    assert rows == case["rows"]
    assert types == bound_types(connection, plan)


def test_the_sandbox_reads_no_file_and_takes_no_setting(connection: duckdb.DuckDBPyConnection) -> None:
    for statement in (
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error, match=r"[Pp]ermission|disabled"):
            connection.execute(statement)
    with pytest.raises(duckdb.Error, match="locked"):
        connection.execute("SET enable_external_access = true")


@pytest.mark.parametrize(
    ("sql", "parameters", "filled"),
    [
        ("SELECT ?, '?' FROM t -- ?", ["'a'"], "SELECT 'a', '?' FROM t -- ?"),
        ("SELECT ? + ?", ["-1", "DATE '2026-01-01'"], "SELECT (-1) + (DATE '2026-01-01')"),
    ],
)
def test_parameters_go_where_the_marks_are(sql: str, parameters: list[str], filled: str) -> None:
    assert with_parameters(sql, parameters) == filled


@pytest.mark.parametrize(
    "value", ["1; DROP TABLE t", "(SELECT 1)", "x", "1, 2", "now()", "1 AS a", "1 FROM t"]
)
def test_a_parameter_must_be_a_literal(value: str) -> None:
    with pytest.raises(QueryError):
        with_parameters("SELECT ?", [value])
