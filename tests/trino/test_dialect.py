"""The cases of the dialect, whose values DuckDB gives in tests/unit, on a real Trino."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from localaws.athena.engine import Cancellation, Query
from localaws.athena.failure import QueryError
from localaws.athena.text import formatter
from localaws.athena.trino.engine import TrinoEngine
from localaws.athena.trino.server import LakeEndpoint, TrinoServer

CASES = Path(__file__).parents[1] / "unit" / "localaws" / "athena"
Table = tuple[list[str], list[list[str | None]]]


def expressions() -> Iterator[dict[str, Any]]:
    """Yield the cases of single expressions as queries."""
    for cases in yaml.safe_load((CASES / "trino_cases.yaml").read_text(encoding="utf-8")).values():
        for case in cases:
            yield {**case, "sql": f"SELECT {case['sql']}"} | (
                {} if "fails" in case else {"types": [case["type"]], "rows": [[case["value"]]]}
            )


QUERIES: list[dict[str, Any]] = [
    *expressions(),
    *yaml.safe_load((CASES / "trino_queries.yaml").read_text(encoding="utf-8")),
]


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
def test_trino_agrees(engine: TrinoEngine, case: dict[str, Any]) -> None:
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
