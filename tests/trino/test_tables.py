"""The same tables, through the same Athena, on both engines: rows, types and refusals must agree."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from firelake.catalog import prepare_lake
from firelake.layout import Lake
from firelake.periods import Period
from firelake.runs import new_run_id
from firelake.spec import load_datasets
from firelake.storage import read_object
from firelake.summary import Summary, load_summaries
from firelake.summary.unload import unload
from firelake.tables import trusted
from pyiceberg.io.pyarrow import schema_to_pyarrow

from tests.fixtures.athena import AthenaLake
from tests.fixtures.local_aws import LocalAws
from tests.trino.rows import RandomRows

pytestmark = pytest.mark.timeout(900)
"""The first test waits until both engines have answered everything."""

DAY = "2026-11-19"
ROWS = 600
START_S = 240
"""The first query waits for Trino."""

TABLES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("tables.yaml").read_text(encoding="utf-8"))
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
COLUMNS = {
    "id": "bigint",
    "price": "double",
    "tags": "array<string>",
    "geo": "struct<lat:double,city:string>",
    "at": "timestamp",
}
Answer = tuple[str, list[tuple[str, str, int, int]], list[list[str | None]]]


@dataclass(frozen=True)
class Answers:
    """What both engines said."""

    duckdb: dict[str, Any]
    trino: dict[str, Any]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """Make a lake with DuckDB, ask it everything, then ask all of it again of Trino."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SETTINGS.items():
            environment.setenv(name, value)
        data_dir = tmp_path_factory.mktemp("lake")
        local_aws = LocalAws.start(data_dir)
        environment.setenv("AWS_ENDPOINT_URL", local_aws.endpoint_url)
        try:
            lake = make_lake(local_aws.endpoint_url)
            duckdb = ask(lake)
            local_aws.stop()
            local_aws = LocalAws.start(
                data_dir, urlsplit(local_aws.endpoint_url).port or 0, "--engine", "trino"
            )
            yield Answers(duckdb, ask(lake))
        finally:
            local_aws.stop()


@dataclass(frozen=True)
class TwoLakes:
    """The project's own lake, and tables of every other kind."""

    own: Lake
    others: AthenaLake


def make_lake(endpoint_url: str) -> TwoLakes:
    """Fill every trusted table, and make tables as an analyst does."""
    own, datasets = Lake("trino"), load_datasets()
    prepare_lake(own, datasets)
    for seed, dataset in enumerate(datasets):
        table = trusted(dataset).load(own)
        schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
        table.append(RandomRows(seed, datetime.fromisoformat(DAY)).table(schema, ROWS))
    others = AthenaLake("others", "others", endpoint_url)
    others.s3.create_bucket(Bucket="others")
    others.glue.create_database(DatabaseInput={"Name": "others"})
    others.create_json_table("events", COLUMNS, {"day": "string"})
    for day in (DAY, "2026-11-20"):
        others.put_json(f"events/day={day}/part.json", TABLES["events"])
    others.run("MSCK REPAIR TABLE events")
    for key, text in TABLES["texts"].items():
        others.s3.put_object(Bucket=others.bucket, Key=key, Body=text.encode())
    for statement in TABLES["making"]:
        others.run(statement.format(bucket=others.bucket))
    return TwoLakes(own, others)


def ask(lake: TwoLakes) -> dict[str, Any]:
    """Return what Athena answers to each query, and each summary's rows as the summary's task has them."""
    said: dict[str, Any] = {sql: answer(lake.others, sql) for sql in TABLES["queries"]}
    return said | {summary.table.name: summary_rows(lake.own, summary) for summary in load_summaries()}


def answer(lake: AthenaLake, sql: str) -> Answer:
    """Return how a query ended, its columns and its rows; of a failure, the name alone."""
    execution = lake.wait(lake.start(sql), START_S)
    status = execution["Status"]
    if status["State"] != "SUCCEEDED":
        return status["StateChangeReason"].partition(":")[0], [], []
    id_ = execution["QueryExecutionId"]
    described = lake.athena.get_query_results(QueryExecutionId=id_)["ResultSet"]["ResultSetMetadata"]
    columns = [(c["Name"], c["Type"], c["Precision"], c["Scale"]) for c in described["ColumnInfo"]]
    return status["State"], columns, lake.result(id_)


def summary_rows(lake: Lake, summary: Summary) -> pa.Table:
    """Return what UNLOAD wrote, in the order of the summary's key."""
    outcome = unload(lake, summary, Period.parse(DAY, summary.table.partition.grain), new_run_id("test"))
    table = pa.concat_tables(pq.read_table(io.BytesIO(read_object(file))) for file in outcome.files)
    assert outcome.bytes_scanned > 0
    return table.sort_by([(key, "ascending") for key in summary.table.grain])


@pytest.mark.parametrize("sql", TABLES["queries"])
def test_a_query_gives_the_same(answers: Answers, sql: str) -> None:
    assert answers.duckdb[sql] == answers.trino[sql]


@pytest.mark.parametrize("summary", load_summaries(), ids=lambda summary: summary.table.name)
def test_a_summary_is_the_same(answers: Answers, summary: Summary) -> None:
    duckdb, trino = (table[summary.table.name] for table in (answers.duckdb, answers.trino))
    assert duckdb.num_rows
    assert duckdb.schema == trino.schema
    for row in range(duckdb.num_rows):
        ours, theirs = (table.slice(row, 1).to_pylist()[0] for table in (duckdb, trino))
        assert all(alike(ours[name], theirs[name]) for name in ours), (ours, theirs)


def alike(ours: object, theirs: object) -> bool:
    """Whether two values are equal; an average, rounded half-way, follows the order of its sum."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=0, abs_tol=1.1e-6)
    return ours == theirs
