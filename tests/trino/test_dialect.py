"""The cases of the dialect, whose values DuckDB gives in tests/unit, on a real Trino."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from localaws.athena.engine import Cancellation, Query
from localaws.athena.failure import QueryError
from localaws.athena.sql.aggregates import SPECIAL_AGGREGATES
from localaws.athena.sql.functions import functions, unavailable
from localaws.athena.sql.nested import NESTED
from localaws.athena.sql.special import SPECIAL
from localaws.athena.text import formatter
from localaws.athena.trino.engine import TrinoEngine
from localaws.athena.trino.server import LakeEndpoint, TrinoServer
from tests.fixtures.dialect import Case, expressions, queries

BY_SYNTAX = ("current_date",)
"""Written without parentheses, they are no calls."""
SQL_JSON = ("json_array", "json_exists", "json_object", "json_query", "json_value")
"""Trino has them in its grammar, not among its functions."""
Table = tuple[list[str], list[list[str | None]]]


def as_query(case: Case) -> Case:
    """Return the case of an expression as that of a query."""
    answer = {} if "fails" in case else {"types": [case["type"]], "rows": [[case["value"]]]}
    return {**case, **answer, "sql": f"SELECT {case['sql']}"}


QUERIES = [*map(as_query, expressions()), *queries()]


@pytest.fixture(scope="module")
def engine(trino: TrinoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoEngine]:
    endpoint = LakeEndpoint("unused where a Trino runs already", "us-east-1", "000000000000")
    engine = TrinoEngine(endpoint, tmp_path_factory.mktemp("work"), trino.url)
    yield engine
    engine.close()


def run(engine: TrinoEngine, sql: str) -> Table:
    """Return the types, and the rows as Athena writes them."""
    with engine.run(Query(sql, "default", datetime.now(UTC)), Cancellation()) as result:
        writers = [formatter(column.type) for column in result.columns]
        rows = [
            [None if cell is None else write(cell) for write, cell in zip(writers, row, strict=True)]
            for batch in result.batches
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]
        return [str(column.type) for column in result.columns], rows


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case["sql"][:90])
def test_trino_agrees(engine: TrinoEngine, case: Case) -> None:
    says = case.get("trino", case.get("fails"))
    if says is None:
        types, rows = run(engine, case["sql"])
        assert types == case["types"]
        # The time differs, its type does not.
        assert rows == case["rows"] or case.get("clock")
    elif says == "runs":
        assert run(engine, case["sql"])[0]
    else:
        with pytest.raises(QueryError) as failure:
            run(engine, case["sql"])
        assert says
        assert says in str(failure.value)


def test_every_function_of_trino_is_here_or_refused_by_name(engine: TrinoEngine) -> None:
    _, rows = run(engine, "SHOW FUNCTIONS")
    theirs = {row[0] for row in rows}
    ours = set(SPECIAL) | set(NESTED) | set(SPECIAL_AGGREGATES)
    ours |= {*functions("scalar"), *functions("aggregate"), *functions("window")}
    assert theirs - ours - unavailable() == set(BY_SYNTAX)
    assert unavailable() <= theirs | set(SQL_JSON)
    assert not unavailable() & ours
